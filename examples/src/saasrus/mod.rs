//! SaaSRUS: documents as a service, for several tenants in one process behind one listener.
//!
//! | module | owns |
//! | --- | --- |
//! | [`tenants`] | the customers: where each is reached, and on which terms it serves |
//! | [`tools`] | what a model can do with documents |
//! | [`documents`], [`tokens`] | what lies in a tenant's database |
//! | [`database`] | the database: a file for each tenant |
//! | [`sign_in`] | who calls: bearer tokens become principals |
//! | [`access_log`] | a line of JSON for each request |
//! | [`server`] | all of it behind one listener |
//! | [`command`] | the command line |
//! | [`demo`] | what SaaSRUS does, shown with real requests |
//!
//! A tenant is three things: a database, a server over it, and a place in the address space. Nothing
//! is shared between tenants but the process. A token of one is unknown to the others, because it is
//! looked up in the database of the tenant that was addressed.

pub mod access_log;
pub mod command;
pub mod database;
pub mod demo;
pub mod documents;
pub mod server;
pub mod sign_in;
pub mod tenants;
pub mod tokens;
pub mod tools;
