//! The story: what goes well, and what must not.

use std::error::Error;

use mcp_client::auth::AuthError;
use mcp_client::{Client, EraChoice, Error as ClientError, HttpError, Rejection};
use serde_json::{Value, json};

use super::audit::Entry;
use super::authority::{Certificate, Life};
use super::client::{Badge, Robot, RobotError};
use super::report::{Report, Step};
use super::stage::{CHIPS_REALM, ORDERS, Serving, Stage, Workload};
use super::thief;
use crate::saasrus::demo::plain::{Answer, Request};
use crate::saasrus::tenants::wholesale_chips::REQUIRE_CLIENT_CREDENTIALS;
use crate::viewer::console::one_line;

/// How a part ends that could not be told to its end.
pub(super) type Told = Result<(), Box<dyn Error>>;

/// What goes well.
///
/// # Errors
///
/// Something that no step is about does not work.
pub async fn good_path(stage: &Stage, report: &mut Report) -> Told {
    report.heading("What goes well");
    open_documents(stage, report).await?;
    issued_token(stage, report).await?;
    for era in ERAS {
        served(stage, report, era).await?;
    }
    for era in ERAS {
        rotation(stage, report, era).await?;
    }
    Ok(())
}

async fn open_documents(stage: &Stage, report: &mut Report) -> Told {
    let mut step = report.step(
        "What everybody may read, without certificate and token",
        "the profile is declared, and where to get a token is said; nothing else is told",
    );
    let declared =
        raw(&mut step, stage, &stage.saasrus, None, get("/.well-known/mcp-supported-profiles/mcp"))
            .await?;
    let declared = declared.message();
    step.why(format!("declared: {declared}"));
    step.check(
        declared[0]["profileURL"] == REQUIRE_CLIENT_CREDENTIALS,
        "the profile is not declared",
    );
    let metadata = raw(
        &mut step,
        stage,
        &stage.saasrus,
        None,
        get("/.well-known/oauth-protected-resource/mcp"),
    )
    .await?;
    let metadata = metadata.message();
    step.why(format!(
        "resource {}, authorization servers {}",
        metadata["resource"], metadata["authorization_servers"]
    ));
    step.check(
        metadata["authorization_servers"] == json!([stage.login.issuer(CHIPS_REALM)]),
        "another authorization server is named",
    );
    step.end();
    Ok(())
}

async fn issued_token(stage: &Stage, report: &mut Report) -> Told {
    let mut step = report.step(
        "A token for the ordering robot: client credentials over mutual TLS",
        "it is for this endpoint alone, and bound to the robot's certificate",
    );
    let (robot, badge, _) = robot(stage, ORDERS)?;
    let (issuer, resource) = (stage.login.issuer(CHIPS_REALM), stage.saasrus.url());
    step.sent(format!(
        "POST {issuer}/token  grant_type=client_credentials client_id={} resource={resource}",
        ORDERS.0
    ));
    step.sent(format!("over a connection with the X.509-SVID {}", ORDERS.1));
    let token = thief::token(&robot.fetcher()?, &issuer, ORDERS.0, &resource).await?;
    let claims = thief::claims(&token).ok_or("the token is no JWT")?;
    step.back(format!("a token that says {claims}"));
    step.check(claims["iss"] == *issuer, "the issuer is another one");
    step.check(claims["aud"] == *resource, "it is for something else");
    step.check(claims["client_id"] == ORDERS.0, "it is for somebody else");
    step.check(
        claims["cnf"]["x5t#S256"] == *badge.thumbprint(),
        "it is not bound to the certificate",
    );
    step.why("`cnf` holds the thumbprint of the robot's certificate: this goes beyond the proposal's profile text");
    step.audited(|entry| issued(entry) && entry.text("client") == ORDERS.0).await;
    step.end();
    Ok(())
}

async fn served(stage: &Stage, report: &mut Report, era: EraChoice) -> Told {
    let title = format!("The ordering robot reads the price list ({} era)", name(era));
    let mut step = report.step(&title, "the profile is in force, and the tool answers");
    let (robot, _, _) = robot(stage, ORDERS)?;
    match robot.connect(&stage.saasrus.url(), era).await {
        Ok(client) => {
            let agreed = client.negotiated();
            let in_force = agreed.profiles().has(REQUIRE_CLIENT_CREDENTIALS);
            step.check(in_force, "the profile is not in force");
            step.why(format!("in force: {}", agreed.profiles()));
            price_list(&mut step, &client).await;
            client.shutdown().await;
        }
        Err(error) => step.check(false, &told(&error)),
    }
    arrived(&mut step, stage.saasrus.host);
    for decision in [issued, admitted, agreed] {
        if let Some(entry) = step.trail().into_iter().find(decision) {
            step.audit(&entry);
        } else {
            step.check(false, "the audit trail lacks a decision");
        }
    }
    step.end();
    Ok(())
}

async fn rotation(stage: &Stage, report: &mut Report, era: EraChoice) -> Told {
    let title = format!("The robot's certificate is replaced while it works ({} era)", name(era));
    let mut step = report.step(
        &title,
        "the next call goes over a new connection, with a new token that is bound to the new certificate",
    );
    let (robot, badge, _) = robot(stage, ORDERS)?;
    match robot.connect(&stage.saasrus.url(), era).await {
        Ok(client) => {
            price_list(&mut step, &client).await;
            let before = badge.thumbprint();
            let trail = step.trail().len();
            badge.replace(&stage.chips.svid(ORDERS.1, Life::minutes(5))?)?;
            step.why(format!("certificate {before} is replaced by {}", badge.thumbprint()));
            price_list(&mut step, &client).await;
            let after: Vec<Entry> = step.trail().split_off(trail);
            let of_badge = |entry: &&Entry| entry.text("certificate") == badge.thumbprint();
            step.check(after.iter().any(issued), "no new token was asked for");
            step.check(
                after.iter().filter(|entry| admitted(entry)).any(|entry| of_badge(&entry)),
                "the new certificate was not used",
            );
            step.check(
                !after.iter().any(|entry| entry.text("certificate") == before),
                "the old certificate was used again",
            );
            for entry in after
                .iter()
                .filter(|entry| issued(entry) || admitted(entry) || entry.source == "tls")
            {
                step.audit(entry);
            }
            client.shutdown().await;
        }
        Err(error) => step.check(false, &told(&error)),
    }
    step.end();
    Ok(())
}

async fn price_list(step: &mut Step<'_>, client: &Client) {
    step.sent(r#"tools/call search_documents {"text":"price"}, then read_document"#);
    let found = client.call::<Value>("search_documents", json!({ "text": "price" })).await;
    let read = match &found {
        Ok(found) => {
            client
                .call::<Value>("read_document", json!({ "id": found["documents"][0]["id"] }))
                .await
        }
        Err(_) => found,
    };
    match read {
        Ok(document) => {
            let text = document["text"].as_str().unwrap_or_default();
            step.back(format!("{}: {text}", document["title"].as_str().unwrap_or_default()));
            step.check(text.contains("Salted"), "it is another document");
        }
        Err(error) => step.check(false, &error.to_string()),
    }
}

/// A robot with a fresh certificate of Wholesale Chips, and that certificate.
pub(super) fn robot(
    stage: &Stage,
    workload: Workload,
) -> Result<(Robot, Badge, Certificate), Box<dyn Error>> {
    let certificate = stage.chips.svid(workload.1, Life::minutes(5))?;
    let badge = Badge::new(&certificate)?;
    let issuer = stage.login.issuer(CHIPS_REALM);
    Ok((Robot::new(workload.0, badge.clone(), &issuer, &stage.servers), badge, certificate))
}

/// A request by hand, told with its answer.
pub(super) async fn raw(
    step: &mut Step<'_>,
    stage: &Stage,
    serving: &Serving,
    shown: Option<&Certificate>,
    request: Request,
) -> Result<Answer, Box<dyn Error>> {
    let certificate = shown.map_or("no certificate", |certificate| &certificate.name);
    step.sent(format!("{} to {}, with {certificate}", request.describe(), serving.host));
    let answer = thief::send(serving, &stage.servers, shown, request).await?;
    match answer.header("WWW-Authenticate") {
        Some(challenge) => step.back(format!("{}  WWW-Authenticate: {challenge}", answer.status)),
        None => step.back(answer.status),
    }
    Ok(answer)
}

/// Tells what arrived at a server since the step began.
pub(super) fn arrived(step: &mut Step<'_>, host: &str) -> Vec<Entry> {
    let named = |entry: &Entry| {
        entry.source == "access" && entry.text("host").split(':').next() == Some(host)
    };
    let entries: Vec<Entry> = step.trail().into_iter().filter(named).collect();
    for entry in &entries {
        let methods = methods(entry).join(", ");
        let line = format!("{}  {methods}", entry.text("request"));
        step.sent(format!("arrived: {}  → {}", line.trim_end(), entry.facts["status"]));
    }
    entries
}

pub(super) fn methods(entry: &Entry) -> Vec<&str> {
    let methods = entry.facts.get("methods").and_then(Value::as_array);
    methods.into_iter().flatten().filter_map(Value::as_str).collect()
}

pub(super) fn get(path: &str) -> Request {
    Request::new("GET", path)
}

pub(super) fn issued(entry: &Entry) -> bool {
    entry.source == "authorization-server"
        && entry.text("event") == "token"
        && entry.facts["status"] == 200
}

pub(super) fn admitted(entry: &Entry) -> bool {
    entry.source == "authorization" && entry.text("decision") == "admitted"
}

pub(super) fn denied(entry: &Entry) -> bool {
    entry.source == "authorization" && entry.text("decision") == "denied"
}

pub(super) fn agreed(entry: &Entry) -> bool {
    entry.source == "profiles" && entry.text("decision") == "agreed"
}

/// The profile is not to be had, which a modern client is told when it discovers.
pub(super) fn refused(entry: &Entry) -> bool {
    entry.source == "profiles" && matches!(entry.text("decision"), "refused" | "discovered")
}

pub(super) fn not_connected(entry: &Entry) -> bool {
    entry.source == "tls" && entry.text("event") == "connection refused"
}

/// The client's own words, with everything that caused it.
pub(super) fn told(error: &RobotError) -> String {
    if let RobotError::Client(ClientError::Rejected(rejection)) = error {
        return format!("{rejection:#}");
    }
    let mut text = one_line(&error.to_string());
    for cause in causes(error).skip(1) {
        let cause = one_line(&cause.to_string());
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// The profiles could not be agreed upon.
pub(super) fn rejection(error: &RobotError) -> Option<&Rejection> {
    match error {
        RobotError::Client(ClientError::Rejected(rejection)) => Some(rejection),
        _ => None,
    }
}

/// There was no token.
pub(super) fn no_token(error: &RobotError) -> Option<&AuthError> {
    AuthError::of(error)
}

/// Why the server cannot be reached.
pub(super) fn unreachable(error: &RobotError) -> Option<&str> {
    causes(error).find_map(|cause| match cause.downcast_ref() {
        Some(HttpError::Unreachable(why)) => Some(why.as_str()),
        _ => None,
    })
}

fn causes<'a>(error: &'a RobotError) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source())
}

pub(super) fn name(era: EraChoice) -> &'static str {
    match era {
        EraChoice::Legacy => "legacy",
        _ => "modern",
    }
}

pub(super) const ERAS: [EraChoice; 2] = [EraChoice::Modern, EraChoice::Legacy];
