//! Scripts of a client that follows no rule, against the server's half.

use mcp_core::Limits;
use mcp_core::capability::{
    PromptsCapability, ResourcesCapability, ServerCapabilities, ToolsCapability,
};
use serde_json::{Value, json};

use crate::harness::dice::Dice;
use crate::harness::server::ServerRig;
use crate::harness::world::{BASIC, ELSEWHERE, EXT, FUTURE, MODERN, PREMIUM, World};

/// Runs a script: each step is a frame, or something that the server's own side does.
///
/// Where `declares` is false, no frame declares the extension.
pub(crate) fn run(world: World, script: &[u32], declares: bool) -> ServerRig {
    let mut config = world.config();
    config.capabilities = ServerCapabilities::new()
        .with_tools(ToolsCapability::new().with_list_changed(true))
        .with_prompts(PromptsCapability::new().with_list_changed(true))
        .with_resources(ResourcesCapability::new().with_list_changed(true).with_subscribe(true))
        .with_completions()
        .with_logging();
    config.limits = Limits { subscriptions: 4, ..Limits::default() };
    let mut rig = ServerRig::with_config(world, config);
    for step in script {
        let mut dice = Dice(u64::from(*step));
        rig.holds_policy = dice.flip();
        rig.holds_calls = dice.flip();
        match dice.roll(10) {
            0..=5 => drop(rig.receive(&frame(&mut dice, declares))),
            6 => drop(rig.resolve()),
            7 => drop(rig.finish(dice.roll(4))),
            8 if dice.flip() => {
                let answers = !dice.flip();
                for line in rig.ask(dice.roll(4)).iter().filter(|_| answers) {
                    let asked: Value = serde_json::from_str(line).unwrap();
                    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {}});
                    rig.receive(answer.to_string().as_bytes());
                }
            }
            8 => drop(rig.change(dice.roll(4))),
            _ => match dice.roll(8) {
                0 | 1 => drop(rig.haunt()),
                2 => rig.session.close(),
                3 => drop(rig.end_streams()),
                4 | 5 => drop(rig.log_of(dice.roll(4))),
                _ => drop(rig.progress(dice.roll(4), f64::from(*step))),
            },
        }
    }
    rig
}

fn frame(dice: &mut Dice, declares: bool) -> Vec<u8> {
    let id = dice.pick(&["1", "1", "2", "\"a\""]);
    let text = match dice.roll(28) {
        0 | 1 => initialize(dice, id, declares),
        2 => malformed_initialize(dice, id),
        3 => format!("[{}]", initialize(dice, id, declares)),
        4 | 22..=24 => notification("notifications/initialized", &json!({})),
        5 => request(id, "tools/list", &json!({})),
        6 => request(id, "tools/call", &json!({"name": tool(dice), "arguments": {}})),
        7..=9 => modern(dice, id, declares),
        10 => request(id, "ping", &json!({})),
        11 | 16 | 17 => {
            let id: Value = serde_json::from_str(id).unwrap();
            notification("notifications/cancelled", &json!({"requestId": id, "reason": "bored"}))
        }
        12 => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"tools":[]}}}}"#),
        13 => batch(dice, declares),
        18 => feature(dice, id),
        19 | 20 | 25..=27 => {
            format!(
                r#"{{"jsonrpc":"2.0","id":{},"result":{{"roots":[]}}}}"#,
                dice.pick(&[1, 1, 1, 2])
            )
        }
        21 if dice.flip() => notification("notifications/roots/list_changed", &json!({})),
        21 => format!(
            r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-1,"message":"no"}}}}"#,
            dice.roll(3)
        ),
        14 => request(
            id,
            dice.pick(&["resources/list", "tools/calls", "", "server/discover"]),
            &json!({}),
        ),
        _ => return garbage(dice),
    };
    text.into_bytes()
}

fn request(id: &str, method: &str, params: &Value) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

/// A request of a legacy session that is about no tool.
fn feature(dice: &mut Dice, id: &str) -> String {
    let uri = json!({"uri": "null"});
    let reference = json!({"type": "ref/prompt", "name": "p"});
    let (method, params) = match dice.roll(10) {
        0..=2 => ("resources/subscribe", uri),
        3 => ("resources/unsubscribe", uri),
        4 => ("logging/setLevel", json!({"level": dice.pick(&["debug", "emergency", "loud"])})),
        5 => ("prompts/get", json!({"name": "p"})),
        6 => ("resources/read", uri),
        7 => (
            "completion/complete",
            json!({"ref": reference, "argument": {"name": "a", "value": "v"}}),
        ),
        8 => ("subscriptions/listen", json!({"notifications": {"toolsListChanged": true}})),
        _ => (
            dice.pick(&["prompts/list", "resources/list", "resources/templates/list"]),
            json!({"cursor": 7}),
        ),
    };
    request(id, method, &params)
}

fn notification(method: &str, params: &Value) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

fn tool(dice: &mut Dice) -> &'static str {
    dice.pick(&["open", "gated", "nothing"])
}

fn initialize(dice: &mut Dice, id: &str, declares: bool) -> String {
    let version = dice.pick(&["2025-11-25", "2025-03-26", "2024-11-05", "2026-07-28", "never"]);
    let mut params = json!({
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": "hostile", "version": "0"},
    });
    if declares && dice.flip() {
        params["capabilities"]["extensions"] = json!({EXT: {}});
    }
    if let Some(asked) = asked(dice) {
        params["requestedProfiles"] = asked;
    }
    request(id, "initialize", &params)
}

fn malformed_initialize(dice: &mut Dice, id: &str) -> String {
    let info = json!({"name": "hostile", "version": "0"});
    let params = match dice.roll(8) {
        0 => return format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"initialize"}}"#),
        1 => json!({}),
        2 => json!({"protocolVersion": 7, "capabilities": {}, "clientInfo": info}),
        3 => json!({"protocolVersion": "2025-11-25", "clientInfo": info}),
        4 => json!({"protocolVersion": "2025-11-25", "capabilities": []}),
        5 => return notification("initialize", &json!({"protocolVersion": "2025-11-25"})),
        6 => json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info,
                    "requestedProfiles": dice.pick(&["", "http://vidsrus/basic"])}),
        _ => json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info,
                    "requestedProfiles": vec![BASIC; 65]}),
    };
    request(id, "initialize", &params)
}

/// A modern request that says in `cursor` or `arguments` what it asks for: `null` for nothing, or
/// `"malformed"`.
fn modern(dice: &mut Dice, id: &str, declares: bool) -> String {
    const PREFIX: &str = "io.modelcontextprotocol/";
    let version =
        dice.pick(&["2026-07-28", "2026-07-28", "2026-07-28", "2025-11-25", "2031-01-01"]);
    let (settings, truth) = match dice.roll(4) {
        _ if !declares => (None, Value::Null),
        0 => (None, Value::Null),
        1 => (Some(json!({})), Value::Null),
        2 => {
            let odd =
                [json!(7), json!([7]), json!(["ftp://x"]), json!(vec![BASIC; 65]), Value::Null];
            (Some(json!({"requested": odd[dice.roll(5)]})), json!("malformed"))
        }
        _ => match asked(dice) {
            Some(list) => (Some(json!({"requested": list})), list),
            None => (Some(json!({"requested": {}})), json!("malformed")),
        },
    };
    let mut capabilities = json!({});
    if let Some(settings) = settings {
        capabilities["extensions"] = json!({EXT: settings});
    }
    let mut meta = json!({
        format!("{PREFIX}protocolVersion"): version,
        format!("{PREFIX}clientCapabilities"): capabilities,
        "progressToken": "p",
    });
    match dice.roll(14) {
        12 => meta[format!("{PREFIX}logLevel")] = json!("debug"),
        13 => meta[format!("{PREFIX}logLevel")] = json!("loud"),
        0 => drop(meta.as_object_mut().unwrap().remove(&format!("{PREFIX}clientCapabilities"))),
        1 => meta[format!("{PREFIX}clientInfo")] = json!({"name": "hostile", "version": "0"}),
        2 => meta[format!("{PREFIX}clientInfo")] = json!("hostile"),
        3 => meta["progressToken"] = Value::Null,
        _ => {}
    }
    let truth_text = truth.to_string();
    match dice.roll(8) {
        0 => request(id, "tools/list", &json!({"_meta": meta, "cursor": truth_text})),
        1 => request(id, "server/discover", &json!({"_meta": meta})),
        2 | 3 => {
            let filter = json!({"toolsListChanged": true, "resourceSubscriptions": [truth_text]});
            let params = json!({"_meta": meta, "notifications": filter});
            request(id, "subscriptions/listen", &params)
        }
        4 => match dice.roll(4) {
            0 => request(id, "resources/read", &json!({"_meta": meta, "uri": truth_text})),
            1 => request(id, "prompts/get", &json!({"_meta": meta, "name": truth_text})),
            2 => request(id, "resources/subscribe", &json!({"_meta": meta, "uri": truth_text})),
            _ => {
                let argument = json!({"name": "a", "value": truth_text});
                let reference = json!({"type": "ref/prompt", "name": "p"});
                let params = json!({"_meta": meta, "ref": reference, "argument": argument});
                request(id, "completion/complete", &params)
            }
        },
        _ => {
            let name = tool(dice);
            let arguments = json!({"asked": truth});
            request(id, "tools/call", &json!({"_meta": meta, "name": name, "arguments": arguments}))
        }
    }
}

/// A well-formed list of profiles, sometimes with one twice.
fn asked(dice: &mut Dice) -> Option<Value> {
    let lists: [&[&str]; 8] = [
        &[],
        &[BASIC],
        &[PREMIUM],
        &[PREMIUM, BASIC],
        &[MODERN, BASIC, MODERN],
        &[FUTURE],
        &[ELSEWHERE, BASIC],
        &[BASIC, PREMIUM, MODERN],
    ];
    dice.flip().then(|| json!(dice.pick(&lists)))
}

fn batch(dice: &mut Dice, declares: bool) -> String {
    let ping = request("1", "ping", &json!({}));
    let call = request("2", "tools/call", &json!({"name": tool(dice), "arguments": {}}));
    let list = request("3", "tools/list", &json!({}));
    let cancel = notification("notifications/cancelled", &json!({"requestId": 2}));
    match dice.roll(6) {
        0 => format!("[{call},{cancel},{list}]"),
        1 => format!("[{ping},7,{call}]"),
        2 => format!("[{cancel}]"),
        3 => format!("[{list},{list}]"),
        4 => format!("[{},{ping}]", modern(dice, "4", declares)),
        _ => "[]".to_owned(),
    }
}

fn garbage(dice: &mut Dice) -> Vec<u8> {
    match dice.roll(10) {
        0 => b"{".to_vec(),
        1 => b"\xff\xfe{}".to_vec(),
        2 => [vec![b'['; 200], vec![b']'; 200]].concat(),
        3 => format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}}"#, "[".repeat(300))
            .into(),
        4 => br#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#.to_vec(),
        5 => br#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#.to_vec(),
        6 => br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}"#.to_vec(),
        7 => br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#.to_vec(),
        8 => br#"{"jsonrpc":"2.0","id":1,"method":7,"result":{}}"#.to_vec(),
        _ => br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":7}}"#.to_vec(),
    }
}
