//! The parameters of a function: their names, docs, completions, and whether their types fit.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, Ident, ItemFn, Lit, Pat, PatType, Result, Token, Type,
};

use crate::docs;
use crate::function::Kind;

/// The most parameters a handler can have, besides `self`.
const MAX_PARAMETERS: usize = 6;

/// One parameter of the function, `self` apart.
pub(crate) struct Parameter {
    /// Empty when its pattern has no name.
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) ty: Type,
    /// The builder call that completes it.
    pub(crate) complete: Option<TokenStream>,
    /// The statement that keeps it until the body ends, as in an `async fn`.
    pub(crate) held: Option<TokenStream>,
}

impl Parameter {
    /// Asks the compiler, at the type, whether it fits.
    pub(crate) fn check(&self) -> Option<TokenStream> {
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

    /// Whether the last word of its type is this one.
    pub(crate) fn is_type(&self, name: &str) -> bool {
        match &self.ty {
            Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == name),
            _ => false,
        }
    }
}

/// Reads the parameters, and takes what is ours out of the signature: doc comments, `mut`,
/// `#[complete]`.
pub(crate) fn take(kind: &Kind, function: &mut ItemFn) -> Result<Vec<Parameter>> {
    let mut parameters = Vec::new();
    for input in &mut function.sig.inputs {
        if let FnArg::Typed(typed) = input {
            if let Type::Reference(reference) = &*typed.ty {
                let message = format!(
                    "{} owns its parameters: take `String`, `Vec<T>` or `State<T>`",
                    kind.article
                );
                return Err(Error::new_spanned(reference, message));
            }
            parameters.push(take_one(kind, typed)?);
            if parameters.len() > MAX_PARAMETERS {
                let message = format!(
                    "{} has at most six parameters: take the arguments as `Args<T>`",
                    kind.article
                );
                return Err(Error::new_spanned(typed, message));
            }
        }
    }
    Ok(parameters)
}

fn take_one(kind: &Kind, typed: &mut PatType) -> Result<Parameter> {
    let docs = docs::of(&typed.attrs);
    let ty = (*typed.ty).clone();
    let name = match &*typed.pat {
        Pat::Ident(pattern) => wire_name(&pattern.ident),
        _ => String::new(),
    };
    let complete = match kind.completes {
        true => take_complete(typed, &name)?,
        false => None,
    };
    typed.attrs.retain(|attribute| !docs::is_doc(attribute));
    let held = match &mut *typed.pat {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
            let (ident, mutability) = (&pattern.ident, pattern.mutability.take());
            let attributes = &typed.attrs;
            let lints = name.starts_with('_').then(
                || quote!(#[allow(clippy::used_underscore_binding, clippy::no_effect_underscore_binding)]),
            );
            // Also a parameter that the body does not mention lives as long as the call.
            Some(quote!(#(#attributes)* #lints let #mutability #ident = #ident;))
        }
        _ => None,
    };
    Ok(Parameter { name, docs, ty, complete, held })
}

/// `#[complete(function)]` or `#[complete("a", "b")]`, as a call of the builder.
fn take_complete(typed: &mut PatType, name: &str) -> Result<Option<TokenStream>> {
    let is_complete = |attribute: &Attribute| attribute.path().is_ident("complete");
    let Some(at) = typed.attrs.iter().position(is_complete) else { return Ok(None) };
    let attribute = typed.attrs.remove(at);
    if let Some(second) = typed.attrs.iter().find(|attribute| is_complete(attribute)) {
        return Err(Error::new_spanned(second, "`complete` is given twice"));
    }
    if name.is_empty() {
        let message = "only an argument can be completed, and an argument has a name";
        return Err(Error::new_spanned(attribute, message));
    }
    let given = attribute.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated)?;
    let is_text = |expr: &Expr| matches!(expr, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }));
    if !given.is_empty() && given.iter().all(is_text) {
        return Ok(Some(quote!(.complete_values(#name, [#given]))));
    }
    match given.first() {
        Some(function @ Expr::Path(_)) if given.len() == 1 => {
            Ok(Some(quote_spanned!(function.span()=> .complete(#name, #function))))
        }
        _ => {
            let message =
                "give a function, `#[complete(titles)]`, or values, `#[complete(\"a\", \"b\")]`";
            Err(Error::new_spanned(attribute, message))
        }
    }
}

/// An identifier without `r#`.
pub(crate) fn wire_name(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

/// Whether the type has an `impl Trait` in it, which can stand in a signature only.
pub(crate) fn names_impl(ty: &Type) -> bool {
    fn has_impl(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident == "impl",
            proc_macro2::TokenTree::Group(group) => has_impl(group.stream()),
            _ => false,
        })
    }
    has_impl(quote!(#ty))
}
