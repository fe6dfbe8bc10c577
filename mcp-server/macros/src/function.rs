//! What all attributes have in common: the function stays, and only what it returns changes.
//!
//! `async fn add(a: f64) -> f64 { … }` becomes
//! `fn add(a: f64) -> impl ToolFuture<Output = f64> { …; Informed::<__Info, _>::new(async move { … }) }`,
//! where `__Info`, declared in the body, knows name, docs and parameter names. No second item is
//! made, so it works for generic functions, in `impl` blocks, and inside function bodies.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Block, Error, Ident, ItemFn, Receiver, ReceiverKind, Result, ReturnType};

use crate::docs;
use crate::parameters::{self, Parameter, names_impl, wire_name};

/// What tells the attributes apart.
pub(crate) struct Kind {
    /// What the function is, in messages.
    pub(crate) article: &'static str,
    /// The builder type.
    pub(crate) value: &'static str,
    /// The trait of `__Info`.
    pub(crate) info: &'static str,
    /// The method of that trait.
    pub(crate) method: &'static str,
    /// The trait of what the function returns.
    pub(crate) future: &'static str,
    /// The function that checks the type of the result.
    pub(crate) result: &'static str,
    /// Whether parameters may have `#[complete]`.
    pub(crate) completes: bool,
}

/// The function below an attribute.
pub(crate) struct Function<'k> {
    kind: &'k Kind,
    item: ItemFn,
    /// Its parameters, `self` apart.
    pub(crate) parameters: Vec<Parameter>,
}

impl<'k> Function<'k> {
    /// Reads the function and checks what does not depend on types.
    pub(crate) fn read(kind: &'k Kind, item: TokenStream) -> Result<Self> {
        let mut item: ItemFn = syn::parse2(item)?;
        if item.sig.asyncness.take().is_none() {
            let message = format!("{} is an async function: write `async fn`", kind.article);
            return Err(Error::new_spanned(item.sig.fn_token, message));
        }
        if let Some(receiver) = item.sig.receiver() {
            check_receiver(kind, receiver)?;
        }
        let parameters = parameters::take(kind, &mut item)?;
        Ok(Self { kind, item, parameters })
    }

    /// The function's name.
    pub(crate) fn name(&self) -> String {
        wire_name(&self.item.sig.ident)
    }

    /// The function as it is compiled: `value` starts the builder, `calls` go on with it, `checks`
    /// are questions about types.
    pub(crate) fn expand(
        mut self,
        value: &TokenStream,
        calls: &[TokenStream],
        checks: &[TokenStream],
    ) -> Result<TokenStream> {
        let ident = |name: &str| Ident::new(name, Span::call_site());
        let (info, method) = (ident(self.kind.info), ident(self.kind.method));
        let (builder, future) = (ident(self.kind.value), ident(self.kind.future));
        let signature = self.parameters.iter().map(|parameter| {
            let Parameter { name, docs, .. } = parameter;
            quote!((#name, #docs))
        });
        let description = Some(docs::of(&self.item.attrs)).filter(|docs| !docs.is_empty());
        let description = description.map(|docs| quote!(.description(#docs)));
        let completions = self.parameters.iter().filter_map(|parameter| parameter.complete.clone());
        let output = match &self.item.sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, output) => quote!(#output),
        };
        let output_check = self.check_output();
        let held = self.parameters.iter().map(|parameter| &parameter.held);
        let body = &self.item.block.stmts;
        let block = quote!({
            enum __Info {}
            impl ::mcp_server::#info for __Info {
                fn #method() -> ::mcp_server::#builder {
                    #value.signature([#(#signature),*]) #description #(#calls)* #(#completions)*
                }
            }
            #(#checks)*
            #output_check
            ::mcp_server::Informed::<__Info, _>::new(async move {
                #(#held)*
                #(#body)*
            })
        });
        // The braces stay the user's: an item whose span ends in the macro is never "never used".
        self.item.block.stmts = syn::parse2::<Block>(block)?.stmts;
        self.item.sig.output =
            syn::parse2(quote!(-> impl ::mcp_server::#future<Output = #output>))?;
        let item = self.item;
        Ok(quote!(#item))
    }

    /// Asks the compiler, at the type, whether the function may return it.
    fn check_output(&self) -> Option<TokenStream> {
        let check = Ident::new(self.kind.result, Span::call_site());
        match &self.item.sig.output {
            ReturnType::Type(_, output) if !names_impl(output) => {
                Some(quote_spanned!(output.span()=> ::mcp_server::check::#check::<#output>();))
            }
            _ => None,
        }
    }
}

fn check_receiver(kind: &Kind, receiver: &Receiver) -> Result<()> {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => Ok(()),
        _ => {
            let message =
                format!("{} shares its state with other calls: take `&self`", kind.article);
            Err(Error::new_spanned(receiver, message))
        }
    }
}
