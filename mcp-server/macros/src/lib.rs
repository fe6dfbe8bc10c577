//! The attribute macro of `mcp-server`. It writes only what a user could write by hand.

mod docs;
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
