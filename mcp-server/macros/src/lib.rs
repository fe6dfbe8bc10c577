//! The attribute macros of `mcp-server`. They write only what a user could write by hand.

mod docs;
mod function;
mod keys;
mod parameters;
mod prompt;
mod resource;
mod tool;

use proc_macro::TokenStream;

/// Makes a tool out of an async function, or out of a method with `&self`.
///
/// The function stays what it is: it can be called as before, it can be generic, and it can stand
/// in an `impl` block or in another function. It is added to a server by its name:
/// `.tool(add)`, `.tool(search::<Disk>)`, `.tool(Notes::<Disk>::add_note)`.
///
/// The doc comment becomes the tool's description, and the doc comment of a parameter the
/// description of that argument. There are at most six parameters besides `self`, and they are
/// owned.
///
/// | key | meaning |
/// |---|---|
/// | `name = "…"` | the tool's name; without it, the function's |
/// | `title = "…"` | a name for people |
/// | `read_only` | a hint: it changes nothing |
/// | `destructive`, `additive` | a hint: it may destroy something, or only adds |
/// | `idempotent` | a hint: a second call with the same arguments changes nothing more |
/// | `open_world = false` | a hint: it does not deal with the outside world |
/// | `requires = PROFILE_URL` | it exists only where this profile is in force; may be repeated |
/// | `scopes = ["…"]` | callers need a token that grants all of these |
///
/// Other attributes that want an `async fn`, such as `#[tracing::instrument]`, stand above this one.
///
/// # Examples
/// ```ignore
/// /// Adds two numbers.
/// #[tool(read_only, open_world = false)]
/// async fn add(
///     /// The first number
///     a: f64,
///     /// The second number
///     b: f64,
/// ) -> f64 {
///     a + b
/// }
/// ```
#[proc_macro_attribute]
pub fn tool(attributes: TokenStream, item: TokenStream) -> TokenStream {
    tool::expand(attributes.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a prompt out of an async function, or out of a method with `&self`.
///
/// As with `#[tool]`, the function stays what it is, its doc comment is the description, and it is
/// added to a server by its name: `.prompt(recap)`. Its arguments are strings on the wire and are
/// parsed into what the function takes: text, numbers, `bool`, enums without fields, types that
/// read themselves from a string, and `Option`s of these. An argument that is an `Option` may be
/// left out.
///
/// `#[complete(function)]` on a parameter suggests values while a user types them. The function is
/// a handler itself and takes `Typed`. `#[complete("en", "de")]` suggests from a list.
///
/// | key | meaning |
/// |---|---|
/// | `name = "…"` | the prompt's name; without it, the function's |
/// | `title = "…"` | a name for people |
/// | `requires = PROFILE_URL` | it exists only where this profile is in force; may be repeated |
/// | `scopes = ["…"]` | callers need a token that grants all of these |
///
/// # Examples
/// ```ignore
/// /// Recaps a title up to a minute.
/// #[prompt]
/// async fn recap(#[complete(titles)] title: String, minute: Option<u32>) -> String {
///     match minute {
///         Some(minute) => format!("Recap the first {minute} minutes of {title}."),
///         None => format!("Recap {title}."),
///     }
/// }
///
/// async fn titles(typed: Typed, films: State<Catalogue>) -> Vec<String> {
///     films.starting_with(typed.text())
/// }
/// ```
#[proc_macro_attribute]
pub fn prompt(attributes: TokenStream, item: TokenStream) -> TokenStream {
    prompt::expand(attributes.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a resource, or a resource template, out of an async function or a method with `&self`.
///
/// The attribute begins with a URI or with a URI template (RFC 6570). Each variable of the template
/// is a parameter of the same name, and each parameter that is no extractor is a variable; anything
/// else does not compile. Variables are strings on the wire and are parsed as the arguments of a
/// `#[prompt]` are; one that the URI may leave out, as in `{?page}`, is an `Option`. A list such
/// as `{/path*}` is a `Vec`. With `Args<T>` the fields of `T` are the variables.
///
/// `#[complete(…)]` works as with `#[prompt]`.
///
/// | key | meaning |
/// |---|---|
/// | `name = "…"` | the resource's name; without it, the function's |
/// | `title = "…"` | a name for people |
/// | `mime = "…"` | the media type of the contents |
/// | `size = …` | how many bytes they have |
/// | `requires = PROFILE_URL` | it exists only where this profile is in force; may be repeated |
/// | `scopes = ["…"]` | callers need a token that grants all of these |
///
/// # Examples
/// ```ignore
/// /// Subtitles of a title.
/// #[resource("vidsrus://titles/{id}/subtitles/{lang}", mime = "text/vtt")]
/// async fn subtitles(
///     id: TitleId,
///     #[complete("en", "de")] lang: String,
///     films: State<Catalogue>,
/// ) -> Result<String> {
///     films.subtitles(id, &lang).await?.ok_or_else(|| ErrorObject::resource_not_found().into())
/// }
/// ```
#[proc_macro_attribute]
pub fn resource(attributes: TokenStream, item: TokenStream) -> TokenStream {
    resource::expand(attributes.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
