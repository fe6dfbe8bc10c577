//! The server that is tested, and what a failed test says.

use std::time::Duration;

use mcp_server::{
    Builder, CallContext, Caller, Entitlement, Profile, Progress, Result, Server, ToolError, tool,
};

pub(crate) const STANDARD: &str = "https://kit.example/standard";
pub(crate) const PREMIUM: &str = "https://kit.example/premium";

/// Returns the text.
#[tool(read_only)]
async fn echo(text: String) -> String {
    text
}

/// Divides.
#[tool(read_only)]
async fn divide(a: f64, by: f64) -> Result<f64, ToolError> {
    if by == 0.0 {
        return Err(ToolError::new("`by` is 0: nothing can be divided by it"));
    }
    Ok(a / by)
}

/// Waits, and says how it goes on.
#[tool]
async fn wait(seconds: u32, ctx: CallContext) -> u32 {
    for second in 1..=seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ctx.report(Progress::new(second).of(seconds)).await;
    }
    seconds
}

/// Opens a file that does not exist.
#[tool]
async fn open() -> Result<String> {
    Ok(std::fs::read_to_string("/nonexistent/secret")?)
}

/// Panics.
#[tool]
async fn boom(text: Option<String>) -> String {
    panic!("boom: {text:?}")
}

/// Says who calls.
#[tool(read_only)]
async fn who(caller: Caller) -> String {
    format!("{} of {:?}", caller.principal(), caller.tenant().as_str())
}

async fn entitled(caller: Caller) -> Entitlement {
    if caller.has("plan", "paid") { Entitlement::all() } else { Entitlement::only([STANDARD]) }
}

/// A server whose tools do as they should.
pub(crate) fn sound() -> Builder {
    Server::builder("kit", "1.0").tool(echo).tool(divide).tool(wait).tool(who)
}

/// A server whose tools do not.
pub(crate) fn broken() -> Builder {
    sound().tool(open).tool(boom)
}

/// A server with profiles.
pub(crate) fn tiers() -> Builder {
    let tiers = [Profile::new(PREMIUM), Profile::new(STANDARD).by_default()];
    sound().exclusive(tiers).entitlement(entitled)
}
