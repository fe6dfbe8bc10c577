//! One tool whose answer depends on the profile, and one that only premium has: `PLAN=paid tiers`.

use mcp_examples::vidsrus::{Catalogue, Tier, frame, playlist};
use mcp_server::{Caller, Entitlement, Error, Image, Profile, Result, Server, Settings, tool};

const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";
const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";

/// Renders one frame of a title.
#[tool]
async fn preview(title: String, second: u32, tier: Settings<Tier>) -> Result<Image> {
    Ok(Image::png(frame::render(Catalogue::bundled().film(&title)?, second, tier.max_height)?.png))
}

/// Gives the subtitles of a title.
#[tool]
async fn subtitles(title: String) -> Result<String> {
    Ok(playlist::subtitles(Catalogue::bundled().film(&title)?))
}

async fn entitled(caller: Caller) -> Entitlement {
    if caller.has("plan", "paid") { Entitlement::all() } else { Entitlement::only([STANDARD]) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let premium = Profile::new(PREMIUM).settings(Tier::PREMIUM).tool(subtitles);
    let standard = Profile::new(STANDARD).settings(Tier::STANDARD).concurrent_calls(1).by_default();
    let server = Server::builder("tiers", "1.0").exclusive([premium, standard]).tool(preview);
    let me = mcp_server::Principal::local().with("plan", std::env::var("PLAN").unwrap_or_default());
    server.entitlement(entitled).local_principal(me).serve_stdio().await
}
