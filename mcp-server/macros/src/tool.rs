//! `#[tool]`: keeps the function and changes what it returns.
//!
//! `async fn add(a: f64) -> f64 { … }` becomes
//! `fn add(a: f64) -> impl ToolFuture<Output = f64> { …; Informed::<__ToolInfo, _>::new(async move { … }) }`,
//! where `__ToolInfo`, declared in the body, knows name, docs and parameter names. No second item is made,
//! so it works for generic functions, in `impl` blocks, and inside function bodies.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    Block, Error, Expr, FnArg, Ident, ItemFn, LitBool, LitStr, Pat, PatType, Receiver,
    ReceiverKind, Result, ReturnType, Token, Type,
};

use crate::docs;

/// The most parameters a handler can have, besides `self`.
const MAX_PARAMETERS: usize = 6;

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let keys = Punctuated::<Key, Token![,]>::parse_terminated.parse2(attributes)?;
    let mut function: ItemFn = syn::parse2(item)?;
    if function.sig.asyncness.take().is_none() {
        let message = "a tool is an async function: write `async fn`";
        return Err(Error::new_spanned(function.sig.fn_token, message));
    }
    if let Some(receiver) = function.sig.receiver() {
        check_receiver(receiver)?;
    }
    let parameters = take_parameters(&mut function)?;
    let calls = builder_calls(&function, &keys)?;
    let signature = parameters.iter().map(|parameter| {
        let Parameter { name, docs, .. } = parameter;
        quote!((#name, #docs))
    });
    let output = match &function.sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, output) => quote!(#output),
    };
    let parameter_checks = parameters.iter().filter_map(Parameter::check);
    let output_check = match &function.sig.output {
        ReturnType::Type(_, output) if !names_impl(output) => {
            Some(quote_spanned!(output.span()=> ::mcp_server::check::result::<#output>();))
        }
        _ => None,
    };
    let held = parameters.iter().map(|parameter| &parameter.held);
    let tool_name = wire_name(&function.sig.ident);
    let body = &function.block.stmts;
    let block = quote!({
        enum __ToolInfo {}
        impl ::mcp_server::ToolInfo for __ToolInfo {
            fn tool() -> ::mcp_server::Tool {
                ::mcp_server::Tool::new(#tool_name).signature([#(#signature),*]) #(#calls)*
            }
        }
        #(#parameter_checks)*
        #output_check
        ::mcp_server::Informed::<__ToolInfo, _>::new(async move {
            #(#held)*
            #(#body)*
        })
    });
    // The braces stay the user's: an item whose span ends in the macro is never "never used".
    function.block.stmts = syn::parse2::<Block>(block)?.stmts;
    function.sig.output = syn::parse2(quote!(-> impl ::mcp_server::ToolFuture<Output = #output>))?;
    Ok(quote!(#function))
}

/// One parameter of the function, `self` apart.
struct Parameter {
    /// Empty when its pattern has no name.
    name: String,
    docs: String,
    ty: Type,
    /// The statement that keeps it until the body ends, as in an `async fn`.
    held: Option<TokenStream>,
}

impl Parameter {
    /// Asks the compiler, at the type, whether it fits.
    fn check(&self) -> Option<TokenStream> {
        let ty = &self.ty;
        if names_impl(ty) {
            return None;
        }
        Some(if self.name.is_empty() {
            quote_spanned!(ty.span()=> ::mcp_server::check::extractor::<#ty>();)
        } else {
            quote_spanned!(ty.span()=> ::mcp_server::check::param::<#ty, _>();)
        })
    }
}

fn check_receiver(receiver: &Receiver) -> Result<()> {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => Ok(()),
        _ => {
            let message = "a tool shares its state with other calls: take `&self`";
            Err(Error::new_spanned(receiver, message))
        }
    }
}

/// Reads the parameters, and takes their doc comments and `mut` out of the signature.
fn take_parameters(function: &mut ItemFn) -> Result<Vec<Parameter>> {
    let mut parameters = Vec::new();
    for input in &mut function.sig.inputs {
        if let FnArg::Typed(typed) = input {
            if let Type::Reference(reference) = &*typed.ty {
                let message = "a tool owns its parameters: take `String`, `Vec<T>` or `State<T>`";
                return Err(Error::new_spanned(reference, message));
            }
            parameters.push(take_parameter(typed));
            if parameters.len() > MAX_PARAMETERS {
                let message = "a tool has at most six parameters: take the arguments as `Args<T>`";
                return Err(Error::new_spanned(typed, message));
            }
        }
    }
    Ok(parameters)
}

fn take_parameter(typed: &mut PatType) -> Parameter {
    let docs = docs::of(&typed.attrs);
    typed.attrs.retain(|attribute| !docs::is_doc(attribute));
    let ty = (*typed.ty).clone();
    let Pat::Ident(pattern) = &mut *typed.pat else {
        return Parameter { name: String::new(), docs, ty, held: None };
    };
    let ident = pattern.ident.clone();
    let name = wire_name(&ident);
    if pattern.by_ref.is_some() || pattern.subpat.is_some() {
        return Parameter { name, docs, ty, held: None };
    }
    let mutability = pattern.mutability.take();
    let attributes = &typed.attrs;
    let lints = name.starts_with('_').then(
        || quote!(#[allow(clippy::used_underscore_binding, clippy::no_effect_underscore_binding)]),
    );
    // Also a parameter that the body does not mention lives as long as the call.
    let held = quote!(#(#attributes)* #lints let #mutability #ident = #ident;);
    Parameter { name, docs, ty, held: Some(held) }
}

/// An identifier without `r#`.
fn wire_name(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

/// Whether the type has an `impl Trait` in it, which can stand in a signature only.
fn names_impl(ty: &Type) -> bool {
    fn has_impl(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident == "impl",
            proc_macro2::TokenTree::Group(group) => has_impl(group.stream()),
            _ => false,
        })
    }
    has_impl(quote!(#ty))
}

/// `key` or `key = value` in `#[tool(…)]`.
struct Key {
    name: Ident,
    value: Option<Expr>,
}

impl Parse for Key {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name: Ident = input.parse()?;
        let value = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Self { name, value })
    }
}

impl Key {
    fn flag(&self) -> Result<()> {
        match &self.value {
            None => Ok(()),
            Some(value) => {
                let message = format!("`{}` takes no value: write it or leave it out", self.name);
                Err(Error::new_spanned(value, message))
            }
        }
    }

    fn value(&self, example: &str) -> Result<&Expr> {
        self.value.as_ref().ok_or_else(|| {
            let message = format!("`{}` needs a value: `{} = {example}`", self.name, self.name);
            Error::new_spanned(&self.name, message)
        })
    }

    fn text(&self) -> Result<LitStr> {
        let value = self.value("\"…\"")?;
        syn::parse2(quote!(#value))
            .map_err(|_| Error::new_spanned(value, format!("`{}` is a string literal", self.name)))
    }

    fn boolean(&self) -> Result<LitBool> {
        let value = self.value("false")?;
        syn::parse2(quote!(#value))
            .map_err(|_| Error::new_spanned(value, format!("`{}` is `true` or `false`", self.name)))
    }
}

/// What is called on the `Tool` besides `new` and `signature`.
fn builder_calls(function: &ItemFn, keys: &Punctuated<Key, Token![,]>) -> Result<Vec<TokenStream>> {
    let mut calls = Vec::new();
    let description = docs::of(&function.attrs);
    if !description.is_empty() {
        calls.push(quote!(.description(#description)));
    }
    let mut seen: Vec<String> = Vec::new();
    for key in keys {
        let name = key.name.to_string();
        calls.push(match name.as_str() {
            "name" => {
                let text = key.text()?;
                quote!(.named(#text))
            }
            "title" => {
                let text = key.text()?;
                quote!(.title(#text))
            }
            "read_only" | "destructive" | "additive" | "idempotent" => {
                key.flag()?;
                let method = Ident::new(&name, Span::call_site());
                quote!(.#method())
            }
            "open_world" => {
                let open = key.boolean()?;
                quote!(.open_world(#open))
            }
            "requires" => {
                let profile = key.value("PROFILE_URL")?;
                quote!(.requires(#profile))
            }
            _ => {
                let message = format!(
                    "unknown key `{name}`: expected `name`, `title`, `read_only`, `destructive`, \
                     `additive`, `idempotent`, `open_world` or `requires`"
                );
                return Err(Error::new_spanned(&key.name, message));
            }
        });
        if name != "requires" && seen.contains(&name) {
            return Err(Error::new_spanned(&key.name, format!("`{name}` is given twice")));
        }
        seen.push(name);
    }
    Ok(calls)
}
