//! What the example programs share: the services they put behind MCP.
//!
//! Nothing in here knows MCP. A program in `src/bin` takes one of these services and offers it
//! as tools, resources and prompts; the service itself could as well sit behind any other door.

pub mod vidsrus;
