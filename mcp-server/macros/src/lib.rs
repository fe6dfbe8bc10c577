//! The attribute macro of `mcp-server`. It writes only what a user could write by hand.

mod docs;
mod tool;

use proc_macro::TokenStream;

/// Makes a tool out of an async function or a method with `&self`.
#[proc_macro_attribute]
pub fn tool(attributes: TokenStream, item: TokenStream) -> TokenStream {
    tool::expand(attributes.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
