//! What must not go well: each failure, and who notices it.

use mcp_client::auth::AuthError;
use mcp_client::{EraChoice, ReasonKind};
use serde_json::Value;

use super::audit::Entry;
use super::authority::{Authority, Certificate, Life};
use super::client::{Badge, Robot, RobotError};
use super::report::{Report, Step};
use super::stage::{
    ACME_REALM, CHIPS_REALM, DELIVERY, ORDERS, REPORTS, STOCK, Serving, Stage, Workload,
};
use super::story::{
    ERAS, Told, arrived, denied, methods, name, no_token, not_connected, raw, refused, rejection,
    robot, told, unreachable,
};
use super::thief;
use crate::saasrus::demo::plain::Answer;
use crate::saasrus::tenants::wholesale_chips::{REQUIRE_CLIENT_CREDENTIALS, TRUST_DOMAIN};

/// Everything that must not go well.
///
/// # Errors
///
/// Something that no step is about does not work.
pub async fn all(stage: &Stage, report: &mut Report) -> Told {
    report.heading("Certificates");
    no_certificate(stage, report).await?;
    for refused in [Shown::Strangers, Shown::OtherAuthoritys, Shown::Expired] {
        certificate_refused(stage, report, refused).await?;
    }
    report.heading("Tokens");
    other_issuer(stage, report).await?;
    stolen_token(stage, report, false).await?;
    stolen_token(stage, report, true).await?;
    report.heading("Profiles");
    not_admitted(
        stage,
        report,
        REPORTS,
        "A token that is not bound to a certificate",
        "bound to a client certificate",
    )
    .await?;
    not_admitted(
        stage,
        report,
        DELIVERY,
        "A workload of another trust domain, with a good token",
        "acme.example",
    )
    .await?;
    report.heading("Servers");
    for era in ERAS {
        not_supported(stage, report, era).await?;
    }
    other_authorization_server(stage, report).await?;
    for era in ERAS {
        impostor(stage, report, era).await?;
    }
    Ok(())
}

async fn no_certificate(stage: &Stage, report: &mut Report) -> Told {
    let mut step = report.step(
        "A robot without a certificate",
        "the authorization server gives it no token, and the server no answer",
    );
    let (mut robot, _, _) = robot(stage, ORDERS)?;
    robot.badge = None;
    let error = fails(&mut step, &robot, &stage.saasrus, EraChoice::Modern).await;
    let is_invalid_client = |error: &AuthError| matches!(error, AuthError::Refused { error, .. } if error == "invalid_client");
    step.check(
        error.as_ref().and_then(no_token).is_some_and(is_invalid_client),
        "the error is another one",
    );
    let of_login = |entry: &Entry| {
        entry.source == "authorization-server" && entry.text("error") == "invalid_client"
    };
    step.audited(of_login).await;
    let answer = raw(&mut step, stage, &stage.saasrus, None, thief::call(None)).await?;
    step.check(answer.status == 401, "the server answered");
    step.audited(denied).await;
    step.end();
    Ok(())
}

/// A certificate that no connection is made with.
#[derive(Debug, Clone, Copy)]
enum Shown {
    /// With the right name, by an authority that nobody knows.
    Strangers,
    /// With the right name, by the authority of Acme.
    OtherAuthoritys,
    /// By the right authority, an hour ago.
    Expired,
}

async fn certificate_refused(stage: &Stage, report: &mut Report, shown: Shown) -> Told {
    let (title, must, expected) = match shown {
        Shown::Strangers => (
            "A certificate with the robot's name, by an authority that nobody knows",
            "the server makes no connection",
            "UnknownIssuer",
        ),
        Shown::OtherAuthoritys => (
            "A certificate with the robot's name, by the authority of another customer",
            "the server makes no connection: that authority may name the workloads of its own trust domain alone",
            "UnknownIssuer",
        ),
        Shown::Expired => (
            "The robot's own certificate, after its end",
            "the server makes no connection",
            "certificate expired",
        ),
    };
    let mut step = report.step(title, must);
    let certificate = match shown {
        Shown::Strangers => {
            Authority::of_trust_domain(TRUST_DOMAIN)?.svid(ORDERS.1, Life::minutes(5))?
        }
        Shown::OtherAuthoritys => stage.acme.svid(ORDERS.1, Life::minutes(5))?,
        Shown::Expired => stage.chips.svid(ORDERS.1, Life::over())?,
    };
    let (mut robot, _, _) = robot(stage, ORDERS)?;
    robot.badge = Some(Badge::new(&certificate)?);
    let error = fails(&mut step, &robot, &stage.saasrus, EraChoice::Modern).await;
    let cut_off = error.as_ref().and_then(unreachable).is_some();
    step.check(cut_off, "the robot's error is another one");
    let entries = step.audited(not_connected).await;
    let named = entries.iter().any(|entry| entry.text("reason").contains(expected));
    step.check(named, "the server had another reason");
    // Nor does the authorization server take it.
    let issuer = stage.login.issuer(CHIPS_REALM);
    step.sent(format!("POST {issuer}/token  client_id={}", ORDERS.0));
    match thief::token(&robot.fetcher()?, &issuer, ORDERS.0, &stage.saasrus.url()).await {
        Ok(_) => step.check(false, "the authorization server gave a token"),
        Err(error) => step.back(error),
    }
    step.audited(|entry| {
        entry.source == "authorization-server" && entry.text("error") == "invalid_client"
    })
    .await;
    step.end();
    Ok(())
}

async fn other_issuer(stage: &Stage, report: &mut Report) -> Told {
    let mut step = report.step(
        "A token of another issuer: right audience, right client, right certificate",
        "the server refuses it: 401, invalid_token",
    );
    let (robot, _, certificate) = robot(stage, ORDERS)?;
    let issuer = stage.login.issuer(ACME_REALM);
    let token = thief::token(&robot.fetcher()?, &issuer, ORDERS.0, &stage.saasrus.url()).await?;
    step.why(format!("the token says {}", thief::claims(&token).unwrap_or_default()));
    let answer =
        raw(&mut step, stage, &stage.saasrus, Some(&certificate), thief::call(Some(&token)))
            .await?;
    invalid_token(&mut step, &answer).await;
    step.end();
    Ok(())
}

async fn stolen_token(stage: &Stage, report: &mut Report, with_certificate: bool) -> Told {
    let (title, must) = match with_certificate {
        false => (
            "A stolen token, without the certificate that it is bound to",
            "the server refuses it: 401, invalid_token",
        ),
        true => (
            "A stolen token, with another good certificate of Wholesale Chips",
            "the server refuses it: 401, invalid_token",
        ),
    };
    let mut step = report.step(title, must);
    let (robot, _, own) = robot(stage, ORDERS)?;
    let token = thief::token(
        &robot.fetcher()?,
        &stage.login.issuer(CHIPS_REALM),
        ORDERS.0,
        &stage.saasrus.url(),
    )
    .await?;
    step.why("the robot itself is served with it:");
    let answer =
        raw(&mut step, stage, &stage.saasrus, Some(&own), thief::call(Some(&token))).await?;
    step.check(answer.status == 200, "its owner is not served with it");
    step.why("the thief is not:");
    let others = stage.chips.svid(STOCK.1, Life::minutes(5))?;
    let shown: Option<&Certificate> = with_certificate.then_some(&others);
    let answer = raw(&mut step, stage, &stage.saasrus, shown, thief::call(Some(&token))).await?;
    invalid_token(&mut step, &answer).await;
    step.end();
    Ok(())
}

/// A good token with which the profile is not to be had.
async fn not_admitted(
    stage: &Stage,
    report: &mut Report,
    workload: Workload,
    title: &str,
    why: &str,
) -> Told {
    for era in ERAS {
        let title = format!("{title} ({} era)", name(era));
        let mut step = report
            .step(&title, "the token is good, but the profile is not permitted: rejected, 1004");
        let authority = if workload.1.contains(TRUST_DOMAIN) { &stage.chips } else { &stage.acme };
        let badge = Badge::new(&authority.svid(workload.1, Life::minutes(5))?)?;
        let issuer = stage.login.issuer(CHIPS_REALM);
        let mut robot = Robot::new(workload.0, badge, &issuer, &stage.servers);
        robot.trust_domain = None;
        let error = fails(&mut step, &robot, &stage.saasrus, era).await;
        is_rejected(&mut step, error.as_ref(), Some(&ReasonKind::NotPermitted));
        nothing_but_discovery(&mut step, &stage.saasrus);
        let entries = step.audited(refused).await;
        let named = entries.iter().any(|entry| entry.text("unmet").contains(why));
        step.check(named, "the audit trail does not say which demand is not met");
        step.end();
    }
    Ok(())
}

async fn not_supported(stage: &Stage, report: &mut Report, era: EraChoice) -> Told {
    let title = format!(
        "A server that checks tokens, but has never heard of the profile ({} era)",
        name(era)
    );
    let mut step =
        report.step(&title, "the robot leaves: rejected, and nothing but discovery was sent");
    let (robot, _, _) = robot(stage, ORDERS)?;
    let error = fails(&mut step, &robot, &stage.older, era).await;
    is_rejected(&mut step, error.as_ref(), None);
    nothing_but_discovery(&mut step, &stage.older);
    step.end();
    Ok(())
}

async fn other_authorization_server(stage: &Stage, report: &mut Report) -> Told {
    let mut step = report.step(
        "A server that names another authorization server than the robot's own",
        "the robot leaves: it asks no other one for a token",
    );
    let (mut robot, _, _) = robot(stage, ORDERS)?;
    robot.issuer = stage.login.issuer(ACME_REALM);
    let error = fails(&mut step, &robot, &stage.saasrus, EraChoice::Modern).await;
    let is_policy = |error: &AuthError| matches!(error, AuthError::Policy(_));
    step.check(
        error.as_ref().and_then(no_token).is_some_and(is_policy),
        "the error is another one",
    );
    let asked = step.trail().iter().any(|entry| entry.text("event") == "token");
    step.check(!asked, "a token was asked for");
    step.end();
    Ok(())
}

async fn impostor(stage: &Stage, report: &mut Report, era: EraChoice) -> Told {
    let title = format!(
        "A server that claims the profile and asks nobody who they are ({} era)",
        name(era)
    );
    let mut step =
        report.step(&title, "the robot notices that it was answered without a token, and leaves");
    let answer = raw(&mut step, stage, &stage.impostor, None, thief::call(None)).await?;
    let text = answer.message()["result"]["structuredContent"]["text"].clone();
    step.why(format!("it serves anybody: {}", text.as_str().unwrap_or_default()));
    step.check(text != Value::Null, "the impostor is none");
    let (robot, _, _) = robot(stage, ORDERS)?;
    let before = step.trail().len();
    let error = fails(&mut step, &robot, &stage.impostor, era).await;
    let is_policy = |error: &AuthError| matches!(error, AuthError::Policy(_));
    step.check(
        error.as_ref().and_then(no_token).is_some_and(is_policy),
        "the error is another one",
    );
    let sent = step.trail().split_off(before);
    step.check(
        sent.iter().filter(|entry| entry.source == "access").all(is_discovery),
        "more than discovery was sent",
    );
    step.check(!sent.iter().any(|entry| entry.text("event") == "token"), "a token was asked for");
    step.end();
    Ok(())
}

/// A robot that does not get a connection; why, and what arrived, is told.
async fn fails(
    step: &mut Step<'_>,
    robot: &Robot,
    serving: &Serving,
    era: EraChoice,
) -> Option<RobotError> {
    step.sent(format!("{} connects to {}, requiring the profile", robot.client_id, serving.url()));
    let outcome = robot.connect(&serving.url(), era).await;
    arrived(step, serving.host);
    match outcome {
        Ok(client) => {
            client.shutdown().await;
            step.check(false, "the robot was served");
            None
        }
        Err(error) => {
            step.back(kind(&error));
            step.why(told(&error));
            Some(error)
        }
    }
}

/// The type of an error, for those who read the code.
fn kind(error: &RobotError) -> String {
    if let Some(rejection) = rejection(error) {
        let reason = rejection.reason(REQUIRE_CLIENT_CREDENTIALS).map(|reason| reason.kind());
        let reason = reason.map_or_else(String::new, |reason| format!(", reason {reason:?}"));
        return format!("Error::Rejected{reason}");
    }
    if let Some(error) = no_token(error) {
        let kind = format!("{error:?}");
        return format!("AuthError::{}", kind.split(['(', ' ']).next().unwrap_or_default());
    }
    match unreachable(error) {
        Some(_) => "HttpError::Unreachable".to_owned(),
        None => "another error".to_owned(),
    }
}

async fn invalid_token(step: &mut Step<'_>, answer: &Answer) {
    let challenge = answer.header("WWW-Authenticate").unwrap_or_default().to_owned();
    step.check(answer.status == 401, "it was let in");
    step.check(challenge.contains(r#"error="invalid_token""#), "the challenge is another one");
    for entry in step.audited(denied).await {
        step.why(entry.text("reason"));
    }
}

fn is_rejected(step: &mut Step<'_>, error: Option<&RobotError>, reason: Option<&ReasonKind>) {
    let rejection = error.and_then(rejection);
    let said = rejection.and_then(|rejection| rejection.reason(REQUIRE_CLIENT_CREDENTIALS));
    step.check(rejection.is_some(), "it was not rejected");
    step.check(said.map(|said| said.kind()) == reason, &format!("the reason is {said:?}"));
}

fn nothing_but_discovery(step: &mut Step<'_>, serving: &Serving) {
    let of_server =
        |entry: &Entry| entry.source == "access" && entry.text("host").starts_with(serving.host);
    let entries: Vec<Entry> = step.trail().into_iter().filter(of_server).collect();
    step.check(!entries.is_empty(), "nothing arrived");
    step.check(entries.iter().all(is_discovery), "more than discovery was sent");
}

/// Well-known documents, discovery, `initialize`, and the end of a session.
fn is_discovery(entry: &Entry) -> bool {
    match entry.text("request").split(' ').next() {
        Some("GET") => entry.text("request").contains("/.well-known/"),
        Some("DELETE") => true,
        _ => matches!(*methods(entry), ["server/discover" | "initialize"]),
    }
}
