//! The keys of an attribute: `key` or `key = value`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitBool, LitStr, Result, Token};

/// Keys with commas between them.
pub(crate) type Keys = Punctuated<Key, Token![,]>;

/// `key` or `key = value`.
pub(crate) struct Key {
    pub(crate) name: Ident,
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
    /// That there is no value.
    pub(crate) fn flag(&self) -> Result<()> {
        match &self.value {
            None => Ok(()),
            Some(value) => {
                let message = format!("`{}` takes no value: write it or leave it out", self.name);
                Err(Error::new_spanned(value, message))
            }
        }
    }

    /// The value, whatever it is.
    pub(crate) fn value(&self, example: &str) -> Result<&Expr> {
        self.value.as_ref().ok_or_else(|| {
            let message = format!("`{}` needs a value: `{} = {example}`", self.name, self.name);
            Error::new_spanned(&self.name, message)
        })
    }

    /// The value, a string literal.
    pub(crate) fn text(&self) -> Result<LitStr> {
        let value = self.value("\"…\"")?;
        syn::parse2(quote!(#value))
            .map_err(|_| Error::new_spanned(value, format!("`{}` is a string literal", self.name)))
    }

    /// The value, `true` or `false`.
    pub(crate) fn boolean(&self) -> Result<LitBool> {
        let value = self.value("false")?;
        syn::parse2(quote!(#value))
            .map_err(|_| Error::new_spanned(value, format!("`{}` is `true` or `false`", self.name)))
    }
}

/// The builder calls that the keys stand for; each key once, but for `requires`.
///
/// `call` knows the keys of one attribute and returns `None` for all others; `known` lists them for
/// the message.
pub(crate) fn calls(
    keys: &Keys,
    known: &str,
    call: impl Fn(&str, &Key) -> Result<Option<TokenStream>>,
) -> Result<Vec<TokenStream>> {
    let mut calls = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for key in keys {
        let name = key.name.to_string();
        let Some(tokens) = call(&name, key)? else {
            let message = format!("unknown key `{name}`: expected {known}");
            return Err(Error::new_spanned(&key.name, message));
        };
        calls.push(tokens);
        if name != "requires" && seen.contains(&name) {
            return Err(Error::new_spanned(&key.name, format!("`{name}` is given twice")));
        }
        seen.push(name);
    }
    Ok(calls)
}

/// The keys that every kind of item has.
pub(crate) fn common_call(name: &str, key: &Key) -> Result<Option<TokenStream>> {
    Ok(Some(match name {
        "title" => {
            let text = key.text()?;
            quote!(.title(#text))
        }
        "requires" => {
            let profile = key.value("PROFILE_URL")?;
            quote!(.requires(#profile))
        }
        "scopes" => {
            let scopes = key.value("[\"…\"]")?;
            quote!(.scopes(#scopes))
        }
        _ => return Ok(None),
    }))
}
