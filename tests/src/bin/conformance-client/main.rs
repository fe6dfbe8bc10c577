//! The client that the official conformance suite runs: `conformance-client <url>`.
//!
//! The suite starts it once for each scenario and says in `MCP_CONFORMANCE_SCENARIO` which one, in
//! `MCP_CONFORMANCE_PROTOCOL_VERSION` at which revision, and in `MCP_CONFORMANCE_CONTEXT` with what.
//! Prints `done` when everything came out as it should, and otherwise says on standard error what
//! did not. Written with the public API only.

mod authorization;

use std::env;
use std::process::ExitCode;

use futures_util::future::try_join;
use mcp_client::auth::AuthError;
use mcp_client::types::{CreateMessageResult, ElicitResult, Root};
use mcp_client::{CallToolResult, Client, Error, Http, ProtocolVersion, Tool};
use serde::Deserialize;
use serde_json::{Map, Value, json};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(task) = Task::read() else {
        eprintln!("usage: MCP_CONFORMANCE_SCENARIO=<scenario> conformance-client <url>");
        return ExitCode::from(2);
    };
    match task.run().await {
        Ok(()) => {
            #[expect(clippy::print_stdout, reason = "nothing else is said there")]
            {
                println!("done");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error:#}", task.scenario);
            ExitCode::FAILURE
        }
    }
}

/// What the suite wants.
struct Task {
    url: String,
    scenario: String,
    /// The revision to speak; any unless given.
    revision: Option<ProtocolVersion>,
    /// What a scenario has to be told besides, as JSON.
    context: Option<String>,
}

impl Task {
    fn read() -> Option<Self> {
        let known = |name: String| name.parse().ok();
        Some(Self {
            url: env::args().nth(1)?,
            scenario: env::var("MCP_CONFORMANCE_SCENARIO").ok()?,
            revision: env::var("MCP_CONFORMANCE_PROTOCOL_VERSION").ok().and_then(known),
            context: env::var("MCP_CONFORMANCE_CONTEXT").ok(),
        })
    }

    async fn run(&self) -> Outcome {
        // Nothing is sent for a scenario that is not known.
        match self.scenario.as_str() {
            "initialize" | "request-metadata" | "json-schema-ref-no-deref" => {
                let client = self.connect().await?;
                client.list_all_tools().await?;
                client.shutdown().await;
            }
            "tools_call" => adds_numbers(self.connect().await?).await?,
            "elicitation-sep1034-client-defaults" => {
                calls(self.connect().await?, "test_client_elicitation_defaults").await?;
            }
            "sse-retry" => calls(self.connect().await?, "test_reconnection").await?,
            "http-standard-headers" => uses_everything(self.connect().await?).await?,
            "http-custom-headers" => {
                let context: Context =
                    serde_json::from_str(self.context.as_deref().unwrap_or("{}"))?;
                makes_the_calls(self.connect().await?, context.tool_calls).await?;
            }
            "http-invalid-tool-headers" => calls_what_is_listed(self.connect().await?).await?,
            "sep-2322-client-request-state" => keeps_states_apart(self.connect().await?).await?,
            "json-schema-2020-12-preservation" => returns_a_schema(self.connect().await?).await?,
            other => match other.strip_prefix("auth/") {
                Some(scenario) => self.signs_in(scenario).await?,
                None => return Err(format!("there is no scenario {other} here").into()),
            },
        }
        Ok(())
    }

    /// Uses a server that asks for tokens, or is denied it for the reason that it should be.
    async fn signs_in(&self, scenario: &str) -> Outcome {
        let authorization = authorization::for_scenario(scenario, self.context.as_deref())?;
        let http = Http::new(&self.url)?.authorization(authorization);
        let outcome = async { uses_tools(self.connect_over(http).await?).await }.await;
        match (outcome, authorization::denial(scenario)) {
            (Ok(()), Some(_)) => Err("it should have been denied".into()),
            (Err(error), Some(is_expected)) if AuthError::of(&*error).is_some_and(is_expected) => {
                Ok(())
            }
            (outcome, _) => outcome,
        }
    }

    async fn connect(&self) -> Result<Client, Error> {
        self.connect_over(Http::new(&self.url)?).await
    }

    /// A client that can be asked everything; forms it sends back as they come.
    async fn connect_over(&self, http: Http) -> Result<Client, Error> {
        let client = Client::builder("conformance-client", env!("CARGO_PKG_VERSION"))
            .on_form(async |_| ElicitResult::accept(Map::new()))
            .on_sample(async |_| CreateMessageResult::new("none", "There is no model here."))
            .roots([Root::new("file:///conformance")]);
        let client = match &self.revision {
            Some(revision) => client.versions([revision.clone()]),
            None => client,
        };
        client.connect(http).await
    }
}

/// Lists the tools and calls each of them.
async fn uses_tools(client: Client) -> Outcome {
    for tool in client.list_all_tools().await? {
        client.call_tool(&tool.name, ()).await?;
    }
    client.shutdown().await;
    Ok(())
}

/// Calls the tool that is listed with what its schema asks for.
async fn adds_numbers(client: Client) -> Outcome {
    find(&client, "add_numbers").await?;
    let sum: String = client.call("add_numbers", json!({ "a": 5, "b": 3 })).await?;
    client.shutdown().await;
    expect(&sum, "The sum of 5 and 3 is 8")
}

/// Calls a tool that takes no arguments, and has its answer.
async fn calls(client: Client, tool: &str) -> Outcome {
    find(&client, tool).await?;
    let answer: String = client.call(tool, ()).await?;
    client.shutdown().await;
    match answer.is_empty() {
        true => Err(format!("{tool} said nothing").into()),
        false => Ok(()),
    }
}

/// Lists, calls, reads and gets whatever there is.
async fn uses_everything(client: Client) -> Outcome {
    for tool in client.list_all_tools().await? {
        client.call_tool(&tool.name, ()).await?;
    }
    for resource in client.list_all_resources().await? {
        client.read_resource(resource.uri).await?;
    }
    for prompt in client.list_all_prompts().await? {
        client.get_prompt(&prompt.name, ()).await?;
    }
    client.shutdown().await;
    Ok(())
}

/// What `http-custom-headers` is told.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    tool_calls: Vec<ToolCall>,
}

#[derive(Deserialize)]
struct ToolCall {
    name: String,
    arguments: Value,
}

/// Makes calls as they were given, once the schemas of the tools are known.
async fn makes_the_calls(client: Client, wanted: Vec<ToolCall>) -> Outcome {
    client.list_all_tools().await?;
    for ToolCall { name, arguments } in wanted {
        client.call_tool(&name, arguments).await?;
    }
    client.shutdown().await;
    Ok(())
}

/// Calls all tools that the client lets through.
async fn calls_what_is_listed(client: Client) -> Outcome {
    for tool in client.list_all_tools().await? {
        client.call_tool(&tool.name, json!({ "region": "eu-west1", "value": "x" })).await?;
    }
    client.shutdown().await;
    Ok(())
}

/// Makes a call while another one is being asked about, and calls that are asked in other ways.
async fn keeps_states_apart(client: Client) -> Outcome {
    client.list_all_tools().await?;
    let asked = client.call::<String>("test_mrtr_echo_state", ());
    let unrelated = client.call::<String>("test_mrtr_unrelated", ());
    let (asked, unrelated) = try_join(asked, unrelated).await?;
    expect(&asked, "echo-state-ok")?;
    expect(&unrelated, "unrelated-ok")?;
    expect(&client.call::<String>("test_mrtr_no_state", ()).await?, "no-state-ok")?;
    let answer: String = client.call("test_mrtr_no_result_type", ()).await?;
    client.shutdown().await;
    expect(&answer, "no-result-type-test-ok")
}

/// Sends a schema back as it was listed.
async fn returns_a_schema(client: Client) -> Outcome {
    let tool = find(&client, "json_schema_2020_12_tool").await?;
    let schema = json!({ "schema": tool.input_schema });
    let _: CallToolResult = client.call_tool("json_schema_echo", schema).await?;
    client.shutdown().await;
    Ok(())
}

/// The tool of this name, from the list.
async fn find(client: &Client, name: &str) -> Outcome<Tool> {
    let tools = client.list_all_tools().await?;
    let tool = tools.into_iter().find(|tool| tool.name == name);
    Ok(tool.ok_or_else(|| format!("{name} is not listed"))?)
}

fn expect(got: &str, wanted: &str) -> Outcome {
    if got == wanted {
        return Ok(());
    }
    Err(format!("expected {wanted:?}, got {got:?}").into())
}
