//! `#[prompt]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Result;
use syn::parse::Parser as _;

use crate::function::{Function, Kind};
use crate::keys::{self, Keys};
use crate::parameters::Parameter;

const PROMPT: Kind = Kind {
    article: "a prompt",
    value: "Prompt",
    info: "PromptInfo",
    method: "prompt",
    future: "PromptFuture",
    result: "prompt_result",
    completes: true,
};

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let keys = Keys::parse_terminated.parse2(attributes)?;
    let function = Function::read(&PROMPT, item)?;
    let calls =
        keys::calls(&keys, "`name`, `title`, `requires` or `scopes`", |name, key| match name {
            "name" => {
                let text = key.text()?;
                Ok(Some(quote!(.named(#text))))
            }
            _ => keys::common_call(name, key),
        })?;
    let name = function.name();
    let checks: Vec<_> = function.parameters.iter().filter_map(Parameter::check).collect();
    function.expand(&quote!(::mcp_server::Prompt::new(#name)), &calls, &checks)
}
