//! `mcp discover`: what a server is and what it offers.

use mcp_client::{Agreed, Declaration, Error, TransportKind, discover_profiles};
use mcp_core::profile::DeclaredProfile;
use mcp_core::types::DiscoverResult;
use mcp_core::version::Era;
use serde_json::{Value, json};

use super::list::{List, PROMPTS, RESOURCES, TEMPLATES, TOOLS};
use crate::duration::brief;
use crate::failure::Failure;
use crate::output::paint::{Ink, Paint};
use crate::output::table::Table;
use crate::output::{count, plain};
use crate::report::Report;
use crate::session::Session;

pub(crate) async fn run(session: &Session<'_>) -> Result<Report, Failure> {
    let facts = Facts::find(session).await?;
    match session.console.json {
        true => Report::json(&facts.json(session)),
        false => Ok(Report::text(facts.text(session))),
    }
}

/// What was found out.
struct Facts {
    /// The versions that the server speaks, if it says so.
    versions: Option<Vec<String>>,
    tools: Option<usize>,
    resources: Option<usize>,
    templates: Option<usize>,
    prompts: Option<usize>,
    /// What the well-known document says, where there can be one: a declaration, that there is
    /// none, or what is wrong with it.
    document: Option<Result<Option<Declaration>, String>>,
}

impl Facts {
    async fn find(session: &Session<'_>) -> Result<Self, Error> {
        let agreed = session.client.negotiated();
        let has = &agreed.server().capabilities;
        let (versions, tools, resources, templates, prompts, document) = tokio::try_join!(
            versions(session, agreed.era()),
            length(session, TOOLS, has.tools.is_some()),
            length(session, RESOURCES, has.resources.is_some()),
            length(session, TEMPLATES, has.resources.is_some()),
            length(session, PROMPTS, has.prompts.is_some()),
            document(session),
        )?;
        Ok(Self { versions, tools, resources, templates, prompts, document })
    }

    fn text(&self, session: &Session<'_>) -> String {
        let (agreed, paint) = (session.client.negotiated(), session.console.out);
        let server = match &agreed.server().server_info {
            Some(info) => format!("{} {}", info.name, info.version),
            None => "a server without a name".to_owned(),
        };
        let version = agreed.version().as_str();
        let older = self.versions.iter().flatten().filter(|other| other.as_str() < version).count();
        let others = match older {
            0 => String::new(),
            1 => " (and one older version)".to_owned(),
            _ => format!(" (and {} older versions)", number(older)),
        };
        let mut text = format!(
            "{} · MCP {}{others} · {} · {}\n",
            paint.paint(Ink::Bold, &plain::one_line(&server)),
            plain::one_line(version),
            session.client.transport(),
            brief(session.connected_in),
        );
        let declared = agreed.declaration().map_or(&[][..], |declared| declared.as_slice());
        let counts = [
            (self.tools, "tool", "tools"),
            (self.resources.filter(|number| *number > 0), "resource", "resources"),
            (
                self.templates.filter(|number| *number > 0),
                "resource template",
                "resource templates",
            ),
            (self.prompts, "prompt", "prompts"),
            (Some(declared.len()).filter(|number| *number > 0), "profile", "profiles"),
        ];
        let counts =
            counts.iter().filter_map(|(number, one, many)| Some(count((*number)?, one, many)));
        let counts: Vec<_> = counts.collect();
        text.push_str(&match counts.is_empty() {
            true => "nothing is offered\n".to_owned(),
            false => format!("{}\n", counts.join(" · ")),
        });
        text.push_str(&profiles(declared, &agreed).render(paint, None));
        if let Some(problem) = agreed.declaration_problem() {
            let problem = format!("its declaration of profiles is broken: {problem}");
            text.push_str(&format!("{}\n", paint.paint(Ink::Warning, &plain::one_line(&problem))));
        }
        text.push_str(&self.well_known(declared, &agreed, paint));
        if let Some(instructions) = &agreed.server().instructions {
            text.push_str(&excerpt(instructions));
        }
        text
    }

    /// What the well-known document says, where it is not what the server says itself.
    fn well_known(&self, declared: &[DeclaredProfile], agreed: &Agreed, paint: Paint) -> String {
        let warning =
            |text: &str| format!("{}\n", paint.paint(Ink::Warning, &plain::one_line(text)));
        match &self.document {
            None => String::new(),
            Some(Ok(found)) if declared.is_empty() && found.iter().all(Declaration::is_empty) => {
                String::new()
            }
            Some(Ok(None)) => warning("no well-known document declares the profiles"),
            Some(Ok(Some(document))) if document.as_slice() == declared => {
                "the well-known document declares the same\n".to_owned()
            }
            Some(Ok(Some(document))) => {
                let lines = profiles(document.as_slice(), agreed).render(paint, None);
                format!("the well-known document declares:\n{lines}")
            }
            Some(Err(problem)) => warning(problem),
        }
    }

    fn json(&self, session: &Session<'_>) -> Value {
        let well_known = match &self.document {
            None | Some(Ok(None)) => Value::Null,
            Some(Ok(Some(declared))) => json!({ "declared": declared }),
            Some(Err(problem)) => json!({ "problem": problem }),
        };
        let agreed = session.client.negotiated();
        let server = agreed.server();
        json!({
            "server": server.server_info,
            "version": agreed.version(),
            "era": agreed.era().to_string(),
            "supportedVersions": self.versions,
            "transport": match session.client.transport() {
                TransportKind::StreamableHttp => "streamable-http",
                TransportKind::HttpSse => "sse",
                _ => "stdio",
            },
            "milliseconds": u64::try_from(session.connected_in.as_millis()).unwrap_or(u64::MAX),
            "instructions": server.instructions,
            "capabilities": server.capabilities,
            "counts": {
                "tools": self.tools,
                "resources": self.resources,
                "resourceTemplates": self.templates,
                "prompts": self.prompts,
            },
            "profiles": {
                "declared": agreed.declaration(),
                "inForce": agreed.profiles(),
                "reasons": agreed.reasons(),
                "wellKnown": well_known,
            },
        })
    }
}

fn profiles(declared: &[DeclaredProfile], agreed: &Agreed) -> Table {
    let mut table = Table::new().indented(2).apart(3);
    for profile in declared {
        let since = match profile.min_mcp_version().date() {
            Some(date) => format!("from MCP {date}"),
            None => "any MCP version".to_owned(),
        };
        let mut notes = Vec::new();
        if profile.is_default() {
            notes.push("default");
        }
        if agreed.profiles().has(profile.url().as_str()) {
            notes.push("in force");
        }
        table.row([
            (profile.url().as_str(), Ink::Name),
            (&since, Ink::Plain),
            (&notes.join(", "), Ink::Good),
        ]);
    }
    let others = agreed.profiles().iter();
    for url in others.filter(|url| !declared.iter().any(|one| one.url() == *url)) {
        table.row([(url.as_str(), Ink::Name), ("", Ink::Plain), ("in force", Ink::Good)]);
    }
    table
}

/// The versions that a modern server says it speaks.
async fn versions(session: &Session<'_>, era: Era) -> Result<Option<Vec<String>>, Error> {
    if era == Era::Legacy {
        return Ok(None);
    }
    let result: DiscoverResult = session.client.raw_request("server/discover", ()).await?;
    Ok(Some(result.supported_versions))
}

/// The well-known document of a server at a URL.
async fn document(
    session: &Session<'_>,
) -> Result<Option<Result<Option<Declaration>, String>>, Error> {
    let Some(http) = &session.http else { return Ok(None) };
    Ok(Some(discover_profiles(http).await.map_err(|error| error.to_string())))
}

/// How long a list is; `None` where there is none.
async fn length(session: &Session<'_>, list: List, exists: bool) -> Result<Option<usize>, Error> {
    if !exists {
        return Ok(None);
    }
    match list.all(session.client).await {
        Ok(items) => Ok(Some(items.len())),
        // A server with resources need not have templates, nor the other way round.
        Err(Error::Peer(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first lines of instructions, which are written for models and may be long.
fn excerpt(instructions: &str) -> String {
    let lines = plain::lines(instructions.trim_end());
    let mut text = String::from("\n");
    for line in lines.lines().take(MOST_LINES) {
        text.push_str(line);
        text.push('\n');
    }
    match lines.lines().count().saturating_sub(MOST_LINES) {
        0 => {}
        more => text.push_str(&format!(
            "… {} (--json shows all)\n",
            count(more, "more line", "more lines")
        )),
    }
    text
}

fn number(number: usize) -> String {
    const WORDS: [&str; 10] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    WORDS.get(number).map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// How many lines of instructions are shown.
const MOST_LINES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_instructions_are_cut() {
        assert_eq!(excerpt("one\ntwo\n"), "\none\ntwo\n");
        let text = excerpt(&"line\n".repeat(10));
        assert!(text.ends_with("line\n… 2 more lines (--json shows all)\n"), "{text}");
    }
}
