//! `mcp complete`: how an argument of a prompt or template can go on.

use mcp_core::types::{
    CompleteRequestParams, CompletionReference, PromptReference, ResourceTemplateReference,
};

use crate::failure::Failure;
use crate::output::plain;
use crate::report::Report;
use crate::session::Session;

/// What is being typed.
#[derive(Debug)]
pub(crate) struct Typed {
    /// The prompt, or the URI template of a resource.
    pub(crate) reference: String,
    pub(crate) argument: String,
    pub(crate) text: String,
    /// What is filled in already.
    pub(crate) filled: Vec<(String, String)>,
}

pub(crate) async fn run(session: &Session<'_>, typed: &Typed) -> Result<Report, Failure> {
    if session.client.negotiated().server().capabilities.completions.is_none() {
        return Err(Failure::Missing("the server does not declare completions".to_owned()));
    }
    let params =
        CompleteRequestParams::new(reference(&typed.reference), &typed.argument, &typed.text);
    let params = typed
        .filled
        .iter()
        .fold(params, |params, (name, value)| params.with_context_argument(name, value));
    let result = session.client.complete(&params).await?;
    if session.console.json {
        return Report::result(&result, result.meta.as_ref());
    }
    let completion = &result.completion;
    let lines = completion.values().iter().map(|value| format!("{}\n", plain::one_line(value)));
    let shown = completion.values().len() as u64;
    let err = match completion.total {
        Some(total) if total > shown => format!("… {} more\n", total - shown),
        _ if completion.has_more == Some(true) => "… and more\n".to_owned(),
        _ => String::new(),
    };
    Ok(Report { out: lines.collect(), err, status: 0 })
}

/// A template is a URI: names of prompts have no scheme and no variables.
fn reference(word: &str) -> CompletionReference {
    match word.contains("://") || word.contains('{') {
        true => ResourceTemplateReference::new(word).into(),
        false => PromptReference::new(word).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_told_from_prompts() {
        assert!(matches!(reference("recap"), CompletionReference::Prompt(_)));
        for template in ["vidsrus://titles/{id}", "{path}", "file:///notes"] {
            assert!(matches!(reference(template), CompletionReference::Resource(_)));
        }
    }
}
