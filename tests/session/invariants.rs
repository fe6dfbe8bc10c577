//! I1 to I7 as functions over what was logged: each says what is wrong, if something is.

use mcp_core::version::Era;
use serde_json::Value;

use crate::harness::client::{ClientRig, SECRET, Saw};
use crate::harness::server::{Called, Did, ServerRig};
use crate::harness::world::{EXT, Wants, World};
use crate::harness::{messages, strings};

pub(crate) type Verdict = Result<(), String>;

const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// I1: no handler runs and no list is served outside `Established` (legacy) or without a decision
/// (modern).
pub(crate) fn served_only_after_a_decision(server: &ServerRig) -> Verdict {
    let (mut session, mut undecided, mut over, mut answered) = (None, false, false, 0);
    for did in &server.log {
        match did {
            Did::Asked => undecided = true,
            Did::Resolved => undecided = false,
            Did::Established { profiles, version, .. } => session = Some((version, profiles)),
            Did::Rejected => over = true,
            Did::Called(called) if undecided || over => {
                return Err(format!("{called:?} ran although nothing was decided"));
            }
            Did::Called(called) => {
                answered += 1;
                if called.era == Era::Modern {
                    let asked = truth(&server.world, called)?;
                    server.world.judge(&called.version, &asked, true, &called.profiles)?;
                } else if session != Some((&called.version, &called.profiles)) {
                    return Err(format!("{called:?} ran in the session {session:?}"));
                }
            }
            Did::Sent(line) => {
                for message in messages(line.as_bytes()) {
                    if served(&message) {
                        answered -= 1;
                    }
                }
                if answered < 0 {
                    return Err(format!("nobody was called for {line}"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// I2, the server's half: negotiated ⊆ declared, and ⊆ requested when something was requested.
pub(crate) fn negotiated_within_declared_and_requested(server: &ServerRig) -> Verdict {
    for did in &server.log {
        match did {
            Did::Established { version, profiles, asked } => {
                server.world.judge(version, asked, false, profiles)?;
            }
            Did::Called(called) if called.era == Era::Modern => {
                server.world.judge(
                    &called.version,
                    &truth(&server.world, called)?,
                    true,
                    &called.profiles,
                )?;
            }
            Did::Sent(line) => {
                for message in messages(line.as_bytes()) {
                    for list in answers(&message).into_iter().flatten() {
                        let declared = server.world.declared.clone().unwrap_or_default();
                        if let Some(url) = list.iter().find(|url| !declared.contains(&url.as_str()))
                        {
                            return Err(format!("{url} is not declared: {line}"));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// I2, on the wire of an honest pair: each answer about profiles lies within what its request asked.
pub(crate) fn answered_within_request(server: &ServerRig) -> Verdict {
    let mut asked: Vec<(Value, Vec<String>)> = Vec::new();
    for did in &server.log {
        match did {
            Did::Received(line) => {
                for message in messages(line.as_bytes()) {
                    if let Some(list) = asked_in(&message) {
                        asked.push((message["id"].clone(), list));
                    }
                }
            }
            Did::Sent(line) => {
                for message in messages(line.as_bytes()) {
                    let request = asked.iter().find(|(id, _)| *id == message["id"]);
                    for list in answers(&message) {
                        let Some(list) = list else { return Err(format!("malformed: {line}")) };
                        let Some((_, asked)) = request else {
                            return Err(format!("nobody asked for {line}"));
                        };
                        if !asked.is_empty() && !list.iter().all(|url| asked.contains(url)) {
                            return Err(format!("{asked:?} was asked for: {line}"));
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// I2, the client's half: what it holds lies within what it asked for.
pub(crate) fn held_within_request(client: &ClientRig, wants: &Wants) -> Verdict {
    let asked = wants.asks_for();
    let mut asks = true;
    for saw in &client.log {
        // A client of whose wishes none can be had discovers anew and asks for nothing from then
        // on: a server's policy may pick.
        if let Saw::Sent(line) = saw
            && line.contains("\"server/discover\"")
        {
            asks = asked.iter().any(|url| line.contains(url));
        }
        if let Saw::Established { profiles, .. } | Saw::Agreed(profiles) | Saw::Changed(profiles) =
            saw
            && asks
            && !asked.is_empty()
            && let Some(url) = profiles.iter().find(|url| !asked.contains(&url.as_str()))
        {
            return Err(format!("the client holds {url}, which it did not ask for"));
        }
    }
    Ok(())
}

/// I3: whenever a caller's request leaves the client, its required profiles were confirmed by this
/// server for this connection; before that, nothing leaves it that says anything of the caller's.
pub(crate) fn nothing_leaves_before_confirmation(client: &ClientRig, wants: &Wants) -> Verdict {
    let (mut confirmed, mut established, mut held) = (!wants.has_requirements(), false, Vec::new());
    for saw in &client.log {
        match saw {
            Saw::Input("connected") => {
                (confirmed, established) = (!wants.has_requirements(), false);
            }
            Saw::Delivered(line) => {
                let mut lists =
                    messages(line.as_bytes()).into_iter().flat_map(|m| answers(&m)).flatten();
                confirmed |= lists.any(|list| wants.met_by(&list));
            }
            Saw::Established { profiles, .. } => (established, held) = (true, profiles.clone()),
            Saw::Agreed(profiles) => held.clone_from(profiles),
            Saw::Sent(line) => {
                let may_leave = confirmed && established && wants.met_by(&held);
                if !may_leave && !allowed_before_agreement(line) {
                    return Err(format!("left without confirmation: {line}"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// I4: `Rejected` leads only to `Closed`: a server serves nothing and says nothing after it.
pub(crate) fn server_is_silent_after_rejection(server: &ServerRig) -> Verdict {
    let mut log =
        server.log.iter().skip_while(|did| !matches!(did, Did::Rejected)).skip(1).peekable();
    // The errors of the requests that waited belong to the rejection.
    while let Some(Did::Sent(line)) = log.peek() {
        for message in messages(line.as_bytes()) {
            if served(&message) || message.get("method").is_some() {
                return Err(format!("served with the rejection: {line}"));
            }
        }
        log.next();
    }
    let said = |did: &&Did| {
        matches!(
            did,
            Did::Sent(_) | Did::Called(_) | Did::Established { .. } | Did::Asked | Did::Rejected
        )
    };
    log.find(said).map_or(Ok(()), |did| Err(format!("after the rejection: {did:?}")))
}

/// I4, the client's half: nothing is sent and nothing is delivered any more.
pub(crate) fn client_is_silent_after_rejection(client: &ClientRig) -> Verdict {
    let over = |saw: &&Saw| matches!(saw, Saw::Rejected { .. } | Saw::Closed { .. });
    let after = client.log.iter().skip_while(|saw| !over(saw)).skip(1);
    let mut said = after.filter(|saw| {
        // Callers still learn from their clocks that no answer came.
        !matches!(
            saw,
            Saw::Delivered(_) | Saw::Input(_) | Saw::Agreed(_) | Saw::Noise(_) | Saw::TimedOut(_)
        )
    });
    said.next().map_or(Ok(()), |saw| Err(format!("after the end: {saw:?}")))
}

/// I6: without a declaration or a client policy nothing of profiles is on the wire.
pub(crate) fn says_nothing_of_profiles<'a>(lines: impl Iterator<Item = &'a str>) -> Verdict {
    let words = ["profile", "Profile", "\"code\":1004"];
    for line in lines {
        if let Some(word) = words.iter().find(|word| line.contains(*word)) {
            return Err(format!("`{word}` is on the wire: {line}"));
        }
    }
    Ok(())
}

/// I6: a client that has not declared the extension receives only `supported`, and in the legacy
/// era `profiles`; and where `-32021` needs it, the capability to declare.
pub(crate) fn undeclared_clients_receive_little(world: &World, line: &str) -> Verdict {
    for mut message in messages(line.as_bytes()) {
        let wrong = |what: &str| Err(format!("{what}: {line}"));
        if message.pointer("/error/data/requiredCapabilities").is_some() {
            message["error"]["data"]["requiredCapabilities"].take();
        }
        if let Some(data) = message.pointer("/error/data") {
            let about_profiles =
                message["error"]["code"] != -32022 && message["error"]["code"] != -32602;
            if about_profiles && (data.get("requested").is_some() || data.get("reasons").is_some())
            {
                return wrong("more than `supported` in an error");
            }
        }
        if message["params"]["_meta"].get(EXT).is_some() {
            return wrong("an answer in an acknowledgement for somebody who did not ask");
        }
        if let Some(result) = message.get_mut("result") {
            let settings = result["capabilities"]["extensions"][EXT].take();
            let discovered = result.get("supportedVersions").is_some();
            match settings.as_object() {
                None => {}
                Some(_) if !discovered => return wrong("the extension outside `server/discover`"),
                Some(settings) if settings.keys().ne(["supported"]) => {
                    return wrong("more than `supported` in `server/discover`");
                }
                Some(_) => {}
            }
            if discovered && settings.is_null() && world.declared.is_some() {
                return wrong("`supported` is shown to everyone");
            }
            if result.pointer("/_meta").is_some_and(|meta| meta.get(EXT).is_some()) {
                return wrong("an answer to somebody who did not ask");
            }
            let initialized = result.get("protocolVersion").is_some();
            if initialized && result.get("profiles").is_some() != world.declared.is_some() {
                return wrong("`profiles` is present exactly with a declaration");
            }
        }
    }
    Ok(())
}

/// I7: the set never changes within a legacy session; nor does a client change what it holds
/// without saying so, nor below what it requires.
pub(crate) fn client_set_is_stable(client: &ClientRig, wants: &Wants) -> Verdict {
    let (mut held, mut legacy): (Option<Vec<String>>, bool) = (None, false);
    for saw in &client.log {
        match saw {
            Saw::Established { era, profiles, .. } => {
                (held, legacy) = (Some(profiles.clone()), *era == Era::Legacy);
            }
            Saw::Changed(_) if legacy => {
                return Err(format!("changed in a legacy session: {saw:?}"));
            }
            Saw::Changed(profiles) if !wants.met_by(profiles) => {
                return Err(format!("a required profile was lost without a rejection: {saw:?}"));
            }
            Saw::Changed(profiles) => held = Some(profiles.clone()),
            Saw::Agreed(profiles) if held.as_ref() != Some(profiles) => {
                return Err(format!("changed without a word: {held:?} to {profiles:?}"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// I7, the server's half: there is one session, and each of its calls has the set of it.
pub(crate) fn server_set_is_stable(server: &ServerRig) -> Verdict {
    let mut sets = server.log.iter().filter_map(|did| match did {
        Did::Established { profiles, .. } => Some(profiles),
        Did::Called(Called { era: Era::Legacy, profiles, .. }) => Some(profiles),
        _ => None,
    });
    let first = sets.next();
    if sets.any(|set| Some(set) != first) {
        return Err("the set changed within the session".to_owned());
    }
    let sessions = server.log.iter().filter(|did| matches!(did, Did::Established { .. })).count();
    let initialized = server.log.iter().filter_map(|did| match did {
        Did::Sent(line) => Some(messages(line.as_bytes())),
        _ => None,
    });
    let answers =
        initialized.flatten().filter(|m| m.pointer("/result/protocolVersion").is_some()).count();
    match (sessions, answers) {
        (0, 0) | (1, 1) => Ok(()),
        _ => Err(format!("{sessions} sessions and {answers} answers to `initialize`")),
    }
}

/// Whatever a server says unasked belongs to something that is open: a change to a stream that was
/// acknowledged or to a legacy session that is initialized, a request to such a session, a
/// cancellation to a request of its own or to a stream that it ends.
pub(crate) fn says_only_what_belongs_somewhere(server: &ServerRig) -> Verdict {
    let (mut established, mut initialized) = (false, false);
    // Streams by their ids, and whether they were acknowledged; those that ended; requests of ours.
    let (mut streams, mut ended): (Vec<(Value, bool)>, Vec<Value>) = (Vec::new(), Vec::new());
    let (mut asked, mut ids, mut heard, mut watched) = (Vec::new(), 0, 0, false);
    for did in &server.log {
        match did {
            Did::Established { .. } => established = true,
            Did::Heard => heard += 1,
            Did::Received(line) => {
                for message in messages(line.as_bytes()) {
                    let id = &message["id"];
                    match message["method"].as_str() {
                        Some("notifications/initialized") => initialized |= established,
                        // A batch may be refused as a whole.
                        Some("notifications/cancelled") if !line.starts_with('[') => {
                            streams.retain(|(open, _)| *open != message["params"]["requestId"]);
                        }
                        Some("subscriptions/listen") => {
                            ended.retain(|over| over != id);
                            if !streams.iter().any(|(open, _)| open == id) {
                                streams.push((id.clone(), false));
                            }
                        }
                        Some("resources/subscribe") => watched = true,
                        _ => {}
                    }
                }
            }
            Did::Sent(line) => {
                for message in messages(line.as_bytes()) {
                    let wrong = |what: &str| Err(format!("{what}: {line}"));
                    let (id, params) = (&message["id"], &message["params"]);
                    let tag = &params["_meta"]["io.modelcontextprotocol/subscriptionId"];
                    match message["method"].as_str() {
                        None => {
                            // An error may be the answer to something else under the same id.
                            if message.get("error").is_none() {
                                streams.retain(|(open, _)| open != id);
                            }
                            ended.push(id.clone());
                        }
                        Some("notifications/progress" | "notifications/message") => {}
                        Some("notifications/cancelled") => {
                            let of = &params["requestId"];
                            let ours = asked.iter().position(|ask| ask == of);
                            match ours.map(|place| asked.remove(place)) {
                                None if !ended.contains(of) => return wrong("nobody's"),
                                _ => {}
                            }
                        }
                        Some("notifications/subscriptions/acknowledged") => {
                            match streams.iter_mut().find(|(open, _)| open == tag) {
                                Some((_, acknowledged @ false)) => *acknowledged = true,
                                _ => return wrong("no stream awaits it"),
                            }
                        }
                        Some(method) if message.get("id").is_some() => {
                            ids += 1;
                            if !initialized || method != "roots/list" || *id != ids {
                                return wrong("a request that may not be made");
                            }
                            asked.push(id.clone());
                        }
                        Some(method) if tag.is_null() => {
                            let is_watched = watched || method != "notifications/resources/updated";
                            if !initialized || !is_watched {
                                return wrong("told to nobody");
                            }
                        }
                        Some(_) if streams.contains(&(tag.clone(), true)) => {}
                        Some(_) => return wrong("told to no open stream"),
                    }
                }
            }
            _ => {}
        }
    }
    match heard > ids {
        true => Err("more answers were heard than requests made".to_owned()),
        false => Ok(()),
    }
}

/// A client answers what it was asked and nothing else, never in the modern era, and hears of a
/// subscription only after its acknowledgement.
pub(crate) fn answers_and_hears_in_order(client: &ClientRig) -> Verdict {
    let (mut due, mut modern, mut open) = (Vec::new(), false, Vec::new());
    let mut tag = Value::Null;
    for saw in &client.log {
        match saw {
            Saw::Established { era, .. } => modern = *era == Era::Modern,
            Saw::Delivered(line) => {
                for message in messages(line.as_bytes()) {
                    if message.get("method").is_some() && message.get("id").is_some() {
                        due.push(message["id"].clone());
                    }
                    let meta = &message["params"]["_meta"];
                    tag = meta["io.modelcontextprotocol/subscriptionId"].clone();
                }
            }
            Saw::Acknowledged if open.contains(&tag) => {
                return Err(format!("{tag} is acknowledged twice"));
            }
            Saw::Acknowledged => open.push(tag.clone()),
            Saw::Subscribed(method) if !open.contains(&tag) => {
                return Err(format!("{method} of {tag} before the acknowledgement"));
            }
            Saw::Asked(..) if modern => return Err(format!("asked in the modern era: {saw:?}")),
            Saw::Sent(line) => {
                for message in messages(line.as_bytes()) {
                    if message.get("method").is_none() {
                        let place = due.iter().position(|id| *id == message["id"]);
                        let Some(place) = place.filter(|_| !modern) else {
                            return Err(format!("nobody asked for {line}"));
                        };
                        due.remove(place);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a modern request asked for, by its own word; a server without a declaration does not read it.
fn truth(world: &World, called: &Called) -> Result<Vec<String>, String> {
    match &called.truth {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(_) if world.declared.is_none() => Ok(Vec::new()),
        Some(list) => strings(list).ok_or_else(|| format!("a malformed request ran: {called:?}")),
    }
}

/// Whether a message is what only a handler gives.
fn served(message: &Value) -> bool {
    const SERVED: [&str; 7] =
        ["tools", "content", "contents", "messages", "completion", "prompts", "resources"];
    let result = message.get("result");
    result.is_some_and(|result| SERVED.iter().any(|name| result.get(name).is_some()))
        || message["method"] == ACKNOWLEDGED
}

/// The lists of profiles that a message says are in force; `None` for one that is malformed.
fn answers(message: &Value) -> Vec<Option<Vec<String>>> {
    let acknowledged = message.get("params").filter(|_| message["method"] == ACKNOWLEDGED);
    let Some(result) = message.get("result").or(acknowledged) else { return Vec::new() };
    let mut lists = Vec::new();
    if let Some(list) = result.get("profiles") {
        lists.push(strings(list));
    } else if let Some(single) = result.get("profile") {
        lists.push(single.as_str().map(|single| vec![single.to_owned()]));
    }
    if let Some(answer) = result.get("_meta").and_then(|meta| meta.get(EXT)) {
        lists.push(answer.get("profiles").and_then(strings));
    }
    lists
}

/// What a well-formed request asks for; `None` for anything else.
fn asked_in(message: &Value) -> Option<Vec<String>> {
    let params = message.get("params")?;
    message.get("id")?;
    if message["method"] == "initialize" {
        return params.get("requestedProfiles").map_or(Some(Vec::new()), strings);
    }
    let capabilities = &params["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    let settings = capabilities.get("extensions")?.get(EXT)?;
    settings.get("requested").map_or(Some(Vec::new()), strings)
}

/// Whether the line is one that may leave a client before agreement.
fn allowed_before_agreement(line: &str) -> bool {
    if line.contains(SECRET) || line.contains("tools/") {
        return false;
    }
    messages(line.as_bytes()).iter().all(|message| match message["method"].as_str() {
        Some(method) => matches!(method, "server/discover" | "initialize"),
        None => message["result"].as_object().is_some_and(|result| result.is_empty()),
    })
}
