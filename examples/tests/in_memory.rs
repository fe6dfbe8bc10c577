//! VidsRUS without a process: the same server, in memory.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as STANDARD_BASE64;
use mcp_client::{CallToolResult, ContentBlock, ErrorCode, ReasonKind};
use mcp_examples::server::{Accounts, Offer, PREMIUM, STANDARD, Setup, build};
use mcp_examples::vidsrus::Catalogue;
use mcp_examples::viewer::picture::Picture;
use mcp_server::{Principal, Server};
use mcp_test::hostile::Attack;
use mcp_test::{ERAS, Error, assert_refused, assert_tool_error, pair};
use serde_json::{Value, json};

#[tokio::test]
async fn premium_previews_in_full_hd() -> Result<(), Error> {
    for era in ERAS {
        let server = pair(vidsrus()?).era(era).principal(Principal::new("ada"));
        let client = server.require(PREMIUM).connect().await?;
        let frame = client.call_tool("preview", json!({ "title": "nosferatu", "second": 60 }));
        assert_eq!(picture(&frame.await?)?.height, 1080);
        client.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_has_not_paid_is_told_so() -> Result<(), Error> {
    for era in ERAS {
        let grace = || pair(vidsrus()).era(era).principal(Principal::new("grace"));
        let refused = grace().require(PREMIUM).connect().await.unwrap_err();
        let reason = refused.rejection().and_then(|rejection| rejection.reason(PREMIUM));
        assert_eq!(reason.map(|reason| reason.kind()), Some(&ReasonKind::NotPermitted));

        let client = grace().require_one_of([PREMIUM, STANDARD]).connect().await?;
        let frame = client.call_tool("preview", json!({ "title": "nosferatu", "second": 60 }));
        assert_eq!(picture(&frame.await?)?.height, 480);
        let large = json!({ "title": "nosferatu", "second": 60, "height": 1080 });
        assert_tool_error!(client.call_tool("preview", large).await, "480");
        let subtitles = client.call_tool("subtitles", json!({ "title": "nosferatu" })).await;
        assert_refused!(subtitles, ErrorCode::INVALID_PARAMS, "subtitles");
        client.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_search_says_what_else_would_be_found() -> Result<(), Error> {
    let client = pair(vidsrus()).connect().await?;
    let hits: Value = client.call("search", json!({ "text": "nosferatu" })).await?;
    assert_eq!(hits["films"][0]["id"], "nosferatu");
    assert_tool_error!(client.call_tool("search", json!({ "text": " " })).await, "`text` is empty");
    client.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn nothing_that_is_sent_does_harm() -> Result<(), Error> {
    Attack::on(vidsrus())
        .principal(Principal::new("ada"))
        .call("search", json!({ "text": "nosferatu", "limit": 3 }))
        .call("preview", json!({ "title": "nosferatu", "second": 60, "height": 120 }))
        .run()
        .await?;
    Ok(())
}

fn vidsrus() -> Result<Server, mcp_server::Error> {
    let (catalogue, accounts) = (Catalogue::bundled(), Accounts::bundled());
    build(Setup { catalogue, accounts, user: None, offer: Offer::default() })
}

/// The picture in a result.
fn picture(result: &CallToolResult) -> Result<Picture, Error> {
    let images = result.content.iter().filter_map(|block| match block {
        ContentBlock::Image(image) => Some(&image.data),
        _ => None,
    });
    let [data] = images.collect::<Vec<_>>()[..] else { panic!("not one picture: {result:?}") };
    Ok(Picture::decode(&STANDARD_BASE64.decode(data).expect("pictures are base64"))?)
}
