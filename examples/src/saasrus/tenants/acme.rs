//! Acme: has never heard of profiles, and needs not.

use super::{Place, Tenant};
use crate::saasrus::tokens::Plan;

/// Acme.
pub const TENANT: Tenant = Tenant {
    name: "acme",
    title: "Acme",
    place: Place::Host,
    holders: &[("ada", Plan::Plus), ("grace", Plan::Basic)],
    documents: &[
        ("Price list", "Anvils 40 each, rockets 95 each. Magnets on request."),
        ("Delivery", "By rocket, to wherever it lands. Rockets are not taken back."),
        ("Birdseed", "Free, in heaps. Do not stand between the heap and the anvil."),
    ],
    terms: |server| server,
};
