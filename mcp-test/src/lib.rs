//! How to test a Model Context Protocol server, or a client.
//!
//! | what to test | with |
//! | --- | --- |
//! | what a handler computes | nothing of this: `#[tool]` leaves it the function that it was |
//! | a server, as a client sees it | [`pair`]: both in memory, in this process |
//! | time limits, delays, progress | the same under a stopped [`clock`] |
//! | what is said, to the letter | [`Pair::record`] and a [`Transcript`] in a file |
//! | what models get to read | [`catalogue`] in a file |
//! | a peer that behaves as none would | [`Script`], as a server or as a client |
//! | that nothing a client sends does harm | [`hostile::check`] |
//!
//! Add the crate, and a runtime for the tests:
//!
//! ```toml
//! [dev-dependencies]
//! mcp-test = "0.1"
//! serde_json = "1"
//! tokio = { version = "1", features = ["macros", "rt", "test-util"] }
//! ```
//!
//! # A server and a client
//!
//! [`pair`] takes a server, a builder, or a function's `Result` of either. What `connect` returns is
//! a [`mcp_client::Client`]; both run in this process, over a pipe in memory, with everything that
//! happens on a real connection: framing, negotiation, schemas, limits.
//!
//! ```
//! use mcp_server::{Server, ToolError, tool};
//! use mcp_test::{Error, assert_tool_error, pair};
//! use serde_json::json;
//!
//! /// Divides.
//! #[tool(read_only)]
//! async fn divide(a: f64, by: f64) -> Result<f64, ToolError> {
//!     if by == 0.0 {
//!         return Err(ToolError::new("`by` is 0: nothing can be divided by it"));
//!     }
//!     Ok(a / by)
//! }
//!
//! fn calculator() -> mcp_server::Builder {
//!     Server::builder("calculator", "1.0").tool(divide)
//! }
//!
//! # /*
//! #[tokio::test]
//! # */
//! async fn nothing_is_divided_by_zero() -> Result<(), Error> {
//!     let client = pair(calculator()).connect().await?;
//!     let third: f64 = client.call("divide", json!({ "a": 1, "by": 4 })).await?;
//!     assert_eq!(third, 0.25);
//!     let nothing = client.call_tool("divide", json!({ "a": 1, "by": 0 })).await;
//!     assert_tool_error!(nothing, "`by` is 0");
//!     client.shutdown().await?;
//!     Ok(())
//! }
//! # #[tokio::main(flavor = "current_thread")] async fn main() { nothing_is_divided_by_zero().await.unwrap() }
//! ```
//!
//! A test returns [`Error`], into which every other error turns, and which prints itself for people.
//! [`TestClient::shutdown`] is worth its line: it fails when the server's task did, when a handler
//! panicked, and when a request was left without an answer. What a client sees as "internal error" is
//! written in full to stderr, which test runners show of failed tests; [`TestClient::logged`] has it
//! too.
//!
//! # Both eras
//!
//! A handler is written once, and clients of both eras of the protocol call it. So let a test run
//! in both: `.era(…)` chooses, `.version(…)` asks for one version.
//!
//! ```
//! # use mcp_server::{CallContext, Server, Tool};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), mcp_test::Error> {
//! # let echo = Tool::new("echo").params(["text"]).handler(async |text: String| text);
//! # let server = Server::builder("echo", "1.0").tool(echo).build()?;
//! for era in mcp_test::ERAS {
//!     let client = mcp_test::pair(&server).era(era).connect().await?;
//!     assert_eq!(client.negotiated().era(), era);
//!     assert_eq!(client.list_all_tools().await?.len(), 1);
//!     client.shutdown().await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # A user who answers
//!
//! `.answer(json!({ … }))` fills in the forms that a handler asks for, in their order; without any, the
//! client cannot be asked. Roots, samples and addresses to visit go through
//! `.client(|client| client.on_sample(…))`. [`TestClient::asked`] has what was asked.
//!
//! # Callers and profiles
//!
//! `.principal(…)` says who calls, as authentication would have found out, `.tenant(…)` whose
//! deployment is called; `.require`, `.require_one_of` and `.prefer` are those of the client. No
//! agreement is an error that holds the reasons:
//!
//! ```
//! use mcp_server::{Caller, Entitlement, Principal, Profile, Server, Settings, Tool};
//! use mcp_test::pair;
//!
//! const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";
//! const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";
//! struct MaxHeight(u32);
//!
//! async fn entitled(caller: Caller) -> Entitlement {
//!     if caller.has("plan", "paid") { Entitlement::all() } else { Entitlement::only([STANDARD]) }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), mcp_test::Error> {
//! let height = Tool::new("height").handler(async |max: Settings<MaxHeight>| max.0);
//! let premium = Profile::new(PREMIUM).settings(MaxHeight(1080));
//! let standard = Profile::new(STANDARD).settings(MaxHeight(480)).by_default();
//! let server = Server::builder("vidsrus", "1.0").exclusive([premium, standard]);
//! let server = server.entitlement(entitled).tool(height).build()?;
//!
//! let paid = Principal::new("ada").with("plan", "paid");
//! let client = pair(&server).principal(paid).require(PREMIUM).connect().await?;
//! assert_eq!(client.call::<u32>("height", ()).await?, 1080);
//! client.shutdown().await?;
//!
//! let refused = pair(&server).principal(Principal::new("bob")).require(PREMIUM).connect().await;
//! let refused = refused.unwrap_err();
//! let reason = refused.rejection().and_then(|rejection| rejection.reason(PREMIUM));
//! assert_eq!(reason.unwrap().kind(), &mcp_client::ReasonKind::NotPermitted);
//! # Ok(())
//! # }
//! ```
//!
//! # Time
//!
//! Nothing here reads any other clock than tokio's, which a test can stop: with
//! `#[tokio::test(start_paused = true)]` it jumps to the next deadline whenever everything waits. An
//! hour takes no time, and what comes first in theory comes first. [`clock::advance`] lets time pass
//! where the test itself has nothing to wait for.
//!
//! ```
//! use std::time::Duration;
//! use mcp_server::{Server, Tool};
//!
//! # /*
//! #[tokio::test(start_paused = true)]
//! # */
//! async fn a_call_that_takes_an_hour_is_given_up() -> Result<(), mcp_test::Error> {
//!     let slow = Tool::new("slow").handler(async || tokio::time::sleep(Duration::from_secs(3600)).await);
//!     let client = mcp_test::pair(Server::builder("slow", "1.0").tool(slow))
//!         .client(|client| client.idle_timeout(Duration::from_secs(5)))
//!         .connect()
//!         .await?;
//!     let begun = tokio::time::Instant::now();
//!     let given_up = client.call_tool("slow", ()).await;
//!     assert!(matches!(given_up, Err(mcp_client::Error::Timeout { .. })));
//!     assert_eq!(begun.elapsed().as_secs(), 5);
//!     client.shutdown().await?;
//!     Ok(())
//! }
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() { a_call_that_takes_an_hour_is_given_up().await.unwrap() }
//! ```
//!
//! What waits for the world outside waits in earnest: files, sockets, processes, `spawn_blocking`. The
//! clock stands still meanwhile only for the last; give tests of the others limits that are long.
//!
//! # What is said, to the letter
//!
//! A pair that [records](Pair::record) gives a [`Transcript`], which
//! [`check`](Transcript::check) compares with a file. `MCP_TEST_UPDATE=1 cargo test` writes the
//! file; review it like code, and commit it.
//!
//! ```
//! # use mcp_server::{Server, Tool};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), mcp_test::Error> {
//! # let add = Tool::new("add").params(["a", "b"]).handler(async |a: f64, b: f64| a + b);
//! # let server = Server::builder("adder", "1.0").tool(add);
//! let client = mcp_test::pair(server).record().connect().await?;
//! client.call_tool("add", serde_json::json!({ "a": 1, "b": 2 })).await?;
//! mcp_test::catalogue(&client).await?.check("tests/transcripts/adder-catalogue.json")?;
//! let transcript = client.shutdown().await?.mask("capabilities");
//! transcript.check("tests/transcripts/adder.jsonl")?;
//! # Ok(())
//! # }
//! ```
//!
//! [`catalogue`] is all that the server offers, for the same purpose: descriptions and schemas are what
//! models read, and a change of them should show in review. [`golden`] does it for any text.
//!
//! # A peer that keeps to a script
//!
//! [`Script`] is for what no library would do for you: broken answers, answers that come twice or in
//! another order, silence, a connection that ends in the middle. See there.
//!
//! # Hostile input
//!
//! [`hostile::check`] sends a few hundred things that no client should send, and looks whether the server
//! is alive after each: one line in your tests. [`hostile::Attack::call`] has your own tools called
//! with nasty arguments.
//!
//! # A real process
//!
//! What only a process has (arguments, environment, what it prints by mistake, how it ends) is tested
//! with [`mcp_client::ChildProcess`] and `env!("CARGO_BIN_EXE_…")`.

mod answers;
mod assertion;
mod canonical;
mod catalogue;
mod client;
pub mod clock;
mod diff;
mod error;
mod golden;
pub mod hostile;
mod journal;
pub mod message;
mod pair;
mod pattern;
mod script;
mod transcript;
mod wire;

pub use assertion::CallOutcome;
#[doc(hidden)]
pub use assertion::{__refused, __tool_error};
pub use catalogue::{Catalogue, catalogue};
pub use client::TestClient;
pub use error::Error;
pub use golden::golden;
pub use pair::{ERAS, IntoServer, Pair, pair};
pub use pattern::{ABSENT, ANY};
pub use script::{Playing, Script};
pub use transcript::Transcript;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
