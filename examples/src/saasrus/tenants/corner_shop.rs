//! The corner shop: too small for a host of its own, so it is a path on the shared one.

use super::{Place, Tenant};
use crate::saasrus::tokens::Plan;

/// The corner shop.
pub const TENANT: Tenant = Tenant {
    name: "cornershop",
    title: "Corner Shop",
    place: Place::Path,
    holders: &[("ada", Plan::Basic)],
    documents: &[
        ("Price list", "Milk 1.20, bread 2.80, newspapers as printed on them."),
        ("Opening hours", "When the light is on."),
    ],
    terms: |server| server,
};
