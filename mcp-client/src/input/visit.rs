//! The error of 2025-11-25 that sends the user to addresses before a call can go on.
//!
//! Spec: 2025-11-25, client/elicitation, "URL Elicitation Required Error".

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types::{
    ElicitAction, ElicitRequestParams, ElicitRequestURLParams, ElicitResult, InputRequest,
    URLElicitationRequiredData,
};
use mcp_core::{Error, InputError};

use super::{Answers, Handlers};
use crate::shared::Shared;

/// Shows the addresses, and waits until the server says that the user is done with all of them.
pub(crate) async fn visit(
    handlers: Arc<Handlers>,
    shared: Arc<Shared>,
    error: ErrorObject,
) -> Result<Answers, Error> {
    let data = error.data.as_deref().map(|data| serde_json::from_str(data.get()));
    let Some(Ok(URLElicitationRequiredData { elicitations, .. })) = data else {
        return Err(Error::Peer(error));
    };
    let required = |elicitations: &[ElicitRequestURLParams], reason| {
        let elicitations = elicitations.to_vec();
        Err(Error::Input(InputError::UrlRequired { elicitations, reason }))
    };
    if elicitations.is_empty() || elicitations.len() > MOST {
        return Err(Error::Peer(error));
    }
    let mut visits = Vec::with_capacity(elicitations.len());
    for url in &elicitations {
        let request = InputRequest::Elicit(ElicitRequestParams::Url(url.clone()));
        match handlers.answer(request) {
            Ok(visit) => visits.push(visit),
            Err(_) => return required(&elicitations, "add `.on_url(…)` to have them shown"),
        }
    }
    let answers = match try_join_all(visits).await {
        Ok(answers) => answers,
        Err(failed) => {
            let (method, reason) = ("elicitation/create".to_owned(), failed.reason);
            return Err(Error::Input(InputError::Failed { method, reason }));
        }
    };
    let accepted = answers.iter().all(|answer| {
        answer.parse::<ElicitResult>().is_ok_and(|result| result.action == ElicitAction::Accept)
    });
    if !accepted {
        return required(&elicitations, "the user did not agree to it");
    }
    let ids = elicitations.iter().filter_map(|url| url.elicitation_id.as_deref());
    let completed = tokio::time::timeout(COMPLETED, shared.completed(ids.collect()));
    match completed.await {
        Ok(()) => Ok(Answers::default()),
        Err(_) => required(&elicitations, "the server did not say in time that it is done"),
    }
}

/// More addresses than anybody can be asked to visit for one call.
const MOST: usize = 16;
/// How long the user may take with them.
const COMPLETED: Duration = Duration::from_secs(10 * 60);
