//! What the model types read and write, against the published schemas and example messages; and the
//! table of features in the documentation, against the same.
//!
//! The schemas are not part of this repository. `MCP_SPEC_DIR` names the folder that has one folder
//! for each revision; without it, it is looked for beside the workspace. Where it is absent these
//! tests pass over, except where the variable `CI` is set.

mod changed;
mod examples;
mod features;
mod fields;
mod inventory;
mod models;
mod spec;
