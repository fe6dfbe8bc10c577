//! SaaSRUS: documents as a service, for several tenants in one process behind one listener.
//!
//! | module | owns |
//! | --- | --- |
//! | [`tenants`] | the customers: where each is reached, and on which terms it serves |
//! | [`tools`] | what a model can do with documents |
//! | [`documents`], [`tokens`] | what lies in a tenant's database |
//! | [`database`] | the database: a file for each tenant |
//!
//! A tenant is three things: a database, a server over it, and a place in the address space. Nothing
//! is shared between tenants but the process. A token of one is unknown to the others, because it is
//! looked up in the database of the tenant that was addressed.

pub mod database;
pub mod documents;
pub mod tenants;
pub mod tokens;
pub mod tools;
