//! `#[resource]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::{Error, LitStr, Result, Token};

use crate::function::{Function, Kind};
use crate::keys::{self, Keys};
use crate::parameters::{Parameter, names_impl};

const RESOURCE: Kind = Kind {
    article: "a resource",
    value: "Resource",
    info: "ResourceInfo",
    method: "resource",
    future: "ResourceFuture",
    result: "resource_result",
    completes: true,
};

pub(crate) fn expand(attributes: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let (uri, keys) = read.parse2(attributes)?;
    let variables = variables(&uri)?;
    let function = Function::read(&RESOURCE, item)?;
    check_variables(&uri, &variables, &function.parameters)?;
    let known = "`name`, `title`, `mime`, `size`, `requires` or `scopes`";
    let calls = keys::calls(&keys, known, |name, key| match name {
        "name" => {
            let text = key.text()?;
            Ok(Some(quote!(.name(#text))))
        }
        "mime" => {
            let text = key.text()?;
            Ok(Some(quote!(.mime(#text))))
        }
        "size" => {
            let bytes = key.value("1024")?;
            Ok(Some(quote!(.size(#bytes))))
        }
        _ => keys::common_call(name, key),
    })?;
    let checks: Vec<_> =
        function.parameters.iter().filter_map(|parameter| check(parameter, &variables)).collect();
    let name = function.name();
    let value = quote!(::mcp_server::Resource::new(#uri).name(#name));
    function.expand(&value, &calls, &checks)
}

/// The URI or its template, and then keys.
fn read(input: ParseStream<'_>) -> Result<(LitStr, Keys)> {
    let uri = input.parse().map_err(|_| {
        let message = "a resource has a URI or a template: `#[resource(\"films://{id}\")]`";
        Error::new(input.span(), message)
    })?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok((uri, Keys::parse_terminated(input)?))
}

/// The names of the variables of a template. What else is wrong with it is found by the server.
fn variables(uri: &LitStr) -> Result<Vec<String>> {
    let text = uri.value();
    let mut variables: Vec<String> = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, behind)) = rest.split_once('{') {
        let Some((expression, behind)) = behind.split_once('}') else {
            return Err(Error::new_spanned(uri, "`{` is not closed: add `}`"));
        };
        rest = behind;
        let list = expression.trim_start_matches(['+', '#', '.', '/', ';', '?', '&']);
        for specification in list.split(',') {
            let name = specification.trim_end_matches('*');
            let name = name.split_once(':').map_or(name, |(name, _)| name);
            if name.is_empty() {
                let message = format!("`{{{expression}}}` has no variable: write its name");
                return Err(Error::new_spanned(uri, message));
            }
            if !variables.iter().any(|known| known == name) {
                variables.push(name.to_owned());
            }
        }
    }
    Ok(variables)
}

/// That every variable reaches the function.
fn check_variables(uri: &LitStr, variables: &[String], parameters: &[Parameter]) -> Result<()> {
    // These take them all.
    if parameters
        .iter()
        .any(|parameter| parameter.is_type("Args") || parameter.is_type("ResourceUri"))
    {
        return Ok(());
    }
    let has = |name: &String| parameters.iter().any(|parameter| parameter.name == *name);
    match variables.iter().find(|name| !has(name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("the variable `{name}` has no parameter: add `{name}: String`");
            Err(Error::new_spanned(uri, message))
        }
    }
}

/// Asks the compiler whether a parameter fits: a variable is an argument, all else an extractor.
fn check(parameter: &Parameter, variables: &[String]) -> Option<TokenStream> {
    let ty = &parameter.ty;
    if names_impl(ty) || parameter.name.is_empty() {
        return parameter.check();
    }
    Some(if variables.contains(&parameter.name) {
        quote_spanned!(ty.span()=> ::mcp_server::check::variable::<#ty>();)
    } else {
        quote_spanned!(ty.span()=> ::mcp_server::check::no_variable::<#ty>();)
    })
}
