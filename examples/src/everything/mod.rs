//! Everything that a server can offer, under the names that others test clients with.
//!
//! The names are those of the reference server `@modelcontextprotocol/server-everything` and of the
//! official conformance suite; what the tools say is our own, except where the suite looks for it.
//! `examples/README.md` has the table of what stands for which feature.
//!
//! | module | owns |
//! | --- | --- |
//! | [`content`] | tools that return every kind of content |
//! | [`running`] | progress, log messages, cancellation |
//! | [`asking`] | asking the person, the model and for folders |
//! | [`by_hand`] | the same without the types that do it |
//! | [`schemas`] | arguments described by hand |
//! | [`jobs`] | calls that go on as tasks |
//! | [`changing`] | changing what is offered, and telling of it |
//! | [`resources`], [`dynamic`] | what can be read, and what is made when it is read |
//! | [`prompts`] | prompts and completion |
//! | [`samples`] | a picture and a sound |

pub mod asking;
pub mod by_hand;
pub mod changing;
pub mod content;
pub mod dynamic;
pub mod jobs;
pub mod prompts;
pub mod resources;
pub mod running;
pub mod samples;
pub mod schemas;

use mcp_server::{Builder, CacheHints, Server};

/// The server, to be served over whichever transport.
///
/// # Examples
///
/// ```
/// let server = mcp_examples::everything::server().build()?;
/// assert!(server.tool_names().contains(&"test_simple_text".to_owned()));
/// # Ok::<(), mcp_server::Error>(())
/// ```
pub fn server() -> Builder {
    let parts = [
        content::offer,
        running::offer,
        asking::offer,
        by_hand::offer,
        schemas::offer,
        jobs::offer,
        changing::offer,
        resources::offer,
        prompts::offer,
    ];
    let server = Server::builder("everything", env!("CARGO_PKG_VERSION"))
        .title("Everything")
        .instructions(
            "Each tool, resource and prompt shows one feature; its description says which.",
        )
        .list_cache(CacheHints::public(60_000));
    parts.into_iter().fold(server, |server, offer| offer(server))
}
