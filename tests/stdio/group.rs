//! The test server, several times in one group.

use mcp_client::{ClientGroup, Config, Error};
use serde_json::json;

use crate::conversation::SERVER;

#[tokio::test]
async fn servers_of_both_eras_are_called_side_by_side() {
    let premium = "https://mcp-tests.example/profiles/premium";
    let servers = json!({ "mcpServers": {
        "legacy": { "command": SERVER, "args": ["stdio", "--era", "legacy"] },
        "modern": { "command": SERVER, "args": ["stdio", "--era", "modern"] },
        "dear": { "command": SERVER, "args": ["stdio", "--profiles"], "requireProfiles": [premium] },
        "plain": { "command": SERVER, "args": ["stdio"], "requireProfiles": [premium] },
    } });
    let config = Config::parse(&servers.to_string()).unwrap();
    let group = ClientGroup::builder("viewer", "1.0").config(config).connect().await.unwrap();
    for server in ["legacy", "modern", "dear"] {
        let tool = format!("{server}__echo");
        let result = group.call_tool(&tool, json!({ "message": server })).await.unwrap();
        assert_eq!(result.content[0].as_text(), Some(server));
    }
    let agreed = group.client("dear").unwrap().negotiated();
    assert!(agreed.profiles().has(premium));
    let refused = &group.status()["plain"];
    assert!(matches!(refused.error().map(|error| &**error), Some(Error::Rejected(_))), "{refused}");
    group.shutdown().await;
}
