//! `#[tool]`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::Parser as _;
use syn::{Ident, Result};

use crate::function::{Function, Kind};
use crate::keys::{self, Keys};
use crate::parameters::Parameter;

const TOOL: Kind = Kind {
    article: "a tool",
    value: "Tool",
    info: "ToolInfo",
    method: "tool",
    future: "ToolFuture",
    result: "result",
    completes: false,
};

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let keys = Keys::parse_terminated.parse2(attributes)?;
    let function = Function::read(&TOOL, item)?;
    let known = "`name`, `title`, `read_only`, `destructive`, `additive`, `idempotent`, \
                 `open_world`, `requires` or `scopes`";
    let calls = keys::calls(&keys, known, |name, key| {
        Ok(Some(match name {
            "name" => {
                let text = key.text()?;
                quote!(.named(#text))
            }
            "read_only" | "destructive" | "additive" | "idempotent" => {
                key.flag()?;
                let method = Ident::new(name, Span::call_site());
                quote!(.#method())
            }
            "open_world" => {
                let open = key.boolean()?;
                quote!(.open_world(#open))
            }
            _ => return keys::common_call(name, key),
        }))
    })?;
    let name = function.name();
    let checks: Vec<_> = function.parameters.iter().filter_map(Parameter::check).collect();
    function.expand(&quote!(::mcp_server::Tool::new(#name)), &calls, &checks)
}
