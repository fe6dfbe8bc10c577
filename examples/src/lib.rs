//! What the example programs share.
//!
//! [`vidsrus`] is a video service that knows no MCP. [`server`] offers it as an MCP server with
//! profiles, and [`viewer`] is a client that shows what came of it. [`everything`] is a server with
//! every feature there is. [`saasrus`] keeps documents for several tenants. A program in `src/bin`
//! only reads its arguments and picks from these.

pub mod everything;
pub mod saasrus;
pub mod server;
pub mod vidsrus;
pub mod viewer;
pub mod wholesale_chips;
