//! Servers and clients that are connected in memory.

use std::time::Duration;

use futures_util::FutureExt as _;
use mcp_client::ReasonKind;
use mcp_server::{Era, ErrorCode, Principal, ProtocolVersion, Server, Tenant};
use mcp_test::{ERAS, Error, assert_refused, assert_tool_error, catalogue, clock, pair};
use serde_json::json;
use tokio::time::Instant;

use crate::server::{PREMIUM, STANDARD, broken, sound, tiers};

#[tokio::test]
async fn tools_are_called_in_both_eras() -> Result<(), Error> {
    for era in ERAS {
        let client = pair(sound()).era(era).connect().await?;
        assert_eq!(client.negotiated().era(), era);
        assert_eq!(client.call::<String>("echo", json!({ "text": "so" })).await?, "so");
        let nothing = client.call_tool("divide", json!({ "a": 1, "by": 0 })).await;
        let text = assert_tool_error!(nothing, "`by` is 0", "divided");
        assert_eq!(text, "`by` is 0: nothing can be divided by it");
        assert_tool_error!(client.call::<f64>("divide", json!({ "a": 1, "by": 0 })).await);
        assert_refused!(client.call_tool("no", ()).await, ErrorCode::INVALID_PARAMS, "no");
        client.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_version_can_be_asked_for() -> Result<(), Error> {
    for version in ProtocolVersion::KNOWN {
        let client = pair(sound()).version(version.clone()).connect().await?;
        assert_eq!(client.negotiated().version(), version);
        client.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn principal_and_tenant_reach_the_handlers() -> Result<(), Error> {
    let who = async |pair: mcp_test::Pair| -> Result<String, Error> {
        let client = pair.connect().await?;
        let said = client.call("who", ()).await?;
        client.shutdown().await?;
        Ok(said)
    };
    assert_eq!(who(pair(sound())).await?, "local of \"\"");
    let configured = || sound().local_principal(Principal::new("ada"));
    assert_eq!(who(pair(configured())).await?, "ada of \"\"");
    assert_eq!(
        who(pair(configured()).tenant(Tenant::new("x.example"))).await?,
        "ada of \"x.example\""
    );
    assert_eq!(who(pair(configured()).principal(Principal::new("bob"))).await?, "bob of \"\"");
    Ok(())
}

#[tokio::test]
async fn profiles_are_agreed_or_refused() -> Result<(), Error> {
    for era in ERAS {
        let paid = Principal::new("ada").with("plan", "paid");
        let client = pair(tiers()).era(era).principal(paid).require(PREMIUM).connect().await?;
        assert!(client.negotiated().profiles().has(PREMIUM));
        client.shutdown().await?;

        let client = pair(tiers()).era(era).require_one_of([PREMIUM, STANDARD]).connect().await?;
        assert!(client.negotiated().profiles().has(STANDARD));
        client.shutdown().await?;

        let client = pair(tiers()).era(era).prefer(PREMIUM).prefer(STANDARD).connect().await?;
        assert!(!client.negotiated().profiles().has(PREMIUM));
        client.shutdown().await?;

        let refused = pair(tiers()).era(era).require(PREMIUM).connect().await.unwrap_err();
        let reason = refused.rejection().and_then(|rejection| rejection.reason(PREMIUM)).unwrap();
        assert_eq!(reason.kind(), &ReasonKind::NotPermitted);
        assert!(format!("{refused:?}").contains("not permitted for this caller"), "{refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_cannot_be_built_says_why() {
    let twice = pair(sound().tool(mcp_server::Tool::new("echo").handler(async || ())));
    let error = twice.connect().await.unwrap_err();
    assert!(matches!(error.mcp(), Some(mcp_server::Error::Misuse(_))), "{error}");
    assert!(error.to_string().contains("`echo`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn half_an_hour_takes_no_time() -> Result<(), Error> {
    for era in ERAS {
        let client = pair(sound()).era(era).connect().await?;
        let begun = Instant::now();
        let mut call = client.call::<u32>("wait", json!({ "seconds": 1800 }));
        let mut heard = 0;
        while call.progress().await.is_some() {
            heard += 1;
        }
        assert_eq!((call.await?, heard), (1800, 1800));
        assert_eq!(begun.elapsed().as_secs(), 1800);
        client.shutdown().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn time_passes_when_the_test_says_so() -> Result<(), Error> {
    let client = pair(sound()).connect().await?;
    let mut call = Box::pin(client.call::<u32>("wait", json!({ "seconds": 3 })));
    assert!((&mut call).now_or_never().is_none());
    clock::advance(Duration::from_millis(2_990)).await;
    assert!((&mut call).now_or_never().is_none());
    clock::advance(Duration::from_millis(20)).await;
    assert!(matches!((&mut call).now_or_never(), Some(Ok(3))));
    client.shutdown().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_or_dropped_is_not_in_flight() -> Result<(), Error> {
    for era in ERAS {
        let client = pair(sound())
            .era(era)
            .client(|client| client.idle_timeout(Duration::from_millis(500)))
            .connect()
            .await?;
        let call = client.call_tool("wait", json!({ "seconds": 9 })).await;
        assert!(matches!(call, Err(mcp_client::Error::Timeout { .. })));
        let mut call = Box::pin(client.call_tool("wait", json!({ "seconds": 9 })));
        assert!((&mut call).now_or_never().is_none());
        drop(call);
        client.shutdown().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_fails_the_test() {
    let client = pair(sound()).connect().await.unwrap();
    let mut call = Box::pin(client.call_tool("wait", json!({ "seconds": 1 })));
    assert!((&mut call).now_or_never().is_none());
    clock::settle().await;
    let left = client.shutdown().await.unwrap_err();
    assert!(matches!(left, Error::LeftBehind(_)), "{left}");
    assert!(left.to_string().contains("`tools/call` of the client (id 2)"), "{left}");
}

#[tokio::test]
async fn a_panic_in_a_handler_fails_the_test_with_its_text() -> Result<(), Error> {
    let client = pair(broken()).connect().await?;
    assert_refused!(client.call_tool("boom", ()).await, ErrorCode::INTERNAL_ERROR);
    let error = client.shutdown().await.unwrap_err();
    assert!(matches!(error, Error::Server(_)));
    assert!(error.to_string().contains("boom: None"), "{error}");

    let client = pair(broken()).tolerate_panics().connect().await?;
    assert_refused!(client.call_tool("boom", ()).await, ErrorCode::INTERNAL_ERROR);
    client.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn what_is_an_internal_error_to_the_client_is_known_to_the_test() -> Result<(), Error> {
    let client = pair(broken()).connect().await?;
    let text = assert_tool_error!(client.call_tool("open", ()).await, "internal error");
    assert!(!text.contains("No such file"));
    let [logged] = &client.logged()[..] else { panic!("{:?}", client.logged()) };
    assert!(logged.contains("No such file"), "{logged}");
    client.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn a_subscriber_of_the_test_still_hears_everything() -> Result<(), Error> {
    use tracing_subscriber::fmt::MakeWriter;

    #[derive(Clone, Default)]
    struct Heard(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Heard {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl MakeWriter<'_> for Heard {
        type Writer = Self;
        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    let heard = Heard::default();
    let subscriber = tracing_subscriber::fmt().with_writer(heard.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let client = pair(broken()).connect().await?;
    assert_tool_error!(client.call_tool("open", ()).await, "internal error");
    assert_eq!(client.logged().len(), 1);
    client.shutdown().await?;
    let heard = String::from_utf8(heard.0.lock().unwrap().clone())?;
    assert!(heard.contains("No such file"), "{heard}");
    Ok(())
}

#[tokio::test]
async fn little_room_is_room_enough() -> Result<(), Error> {
    let client = pair(sound()).room(1).connect().await?;
    let long = "long ".repeat(1000);
    assert_eq!(client.call::<String>("echo", json!({ "text": long })).await?, long);
    client.shutdown().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn several_threads_are_as_good_as_one() -> Result<(), Error> {
    let client = pair(sound()).record().connect().await?;
    let calls = (0..50).map(|n| client.call::<String>("echo", json!({ "text": n.to_string() })));
    let said = futures_util::future::try_join_all(calls).await?;
    assert_eq!(said[49], "49");
    assert!(client.shutdown().await?.messages().count() >= 102);
    Ok(())
}

#[tokio::test]
async fn the_catalogue_has_every_page() -> Result<(), Error> {
    for era in ERAS {
        let client = pair(sound().page_size(1)).era(era).connect().await?;
        let catalogue = catalogue(&client).await?;
        assert_eq!(catalogue.names("tools"), ["echo", "divide", "wait", "who"]);
        assert_eq!(catalogue.json()["tools"][0]["annotations"]["readOnlyHint"], true);
        client.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
#[should_panic(expected = "the tool was expected to fail, but the call came to Ok(")]
async fn a_tool_that_does_not_fail_is_shown() {
    let client = pair(sound()).connect().await.unwrap();
    assert_tool_error!(client.call_tool("echo", json!({ "text": "well" })).await, "x");
}

#[tokio::test]
#[should_panic(expected = "does not say \"zero\"; it says: `by` is 0")]
async fn what_a_tool_says_instead_is_shown() {
    let client = pair(sound()).connect().await.unwrap();
    assert_tool_error!(client.call_tool("divide", json!({ "a": 1, "by": 0 })).await, "zero");
}

#[tokio::test]
async fn a_server_may_be_given_as_a_result() -> Result<(), Error> {
    let made: Result<Server, mcp_server::Error> = sound().build();
    let client = pair(made).era(Era::Legacy).connect().await?;
    client.ping().await?;
    client.shutdown().await?;
    Ok(())
}
