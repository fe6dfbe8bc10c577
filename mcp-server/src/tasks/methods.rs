//! `tasks/get`, `tasks/update` and `tasks/cancel`.

use std::sync::Arc;

use mcp_core::Negotiated;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::session::server::InForce;
use mcp_core::types::{
    CancelTaskRequestParams, DetailedTask, GetTaskRequestParams, UpdateTaskRequestParams,
};
use serde::de::DeserializeOwned;

use super::record::TaskRecord;
use super::runner::{Desk, TaskRunner};
use crate::call::Call;
use crate::description::Description;
use crate::extension::Extension;
use crate::extract::{Extracted, Param};
use crate::outcome::{Failure, Json};

/// Adds the methods to the extension.
pub(super) fn add_to(extension: Extension) -> Extension {
    extension.method("tasks/get", get).method("tasks/update", update).method("tasks/cancel", cancel)
}

async fn get(request: About<GetTaskRequestParams>) -> Result<Json<DetailedTask>, ErrorObject> {
    let record = request.task(&request.params.task_id).await?;
    request.runner.seen(&record);
    Ok(Json(record.task().clone()))
}

async fn update(request: About<UpdateTaskRequestParams>) -> Result<(), ErrorObject> {
    let record = request.task(&request.params.task_id).await?;
    request.runner.answer(&record, request.params.input_responses).await
}

async fn cancel(request: About<CancelTaskRequestParams>) -> Result<(), ErrorObject> {
    let record = request.task(&request.params.task_id).await?;
    request.runner.cancel(record).await;
    Ok(())
}

/// A request about a task.
struct About<P> {
    params: P,
    runner: Arc<TaskRunner>,
    caller: Negotiated,
    in_force: InForce,
}

impl<P> About<P> {
    /// The task, if it exists for the caller.
    async fn task(&self, id: &str) -> Result<TaskRecord, ErrorObject> {
        self.runner.find(id, &self.caller, &self.in_force).await
    }
}

impl<P: DeserializeOwned + Send + 'static> Param<Extracted> for About<P> {
    fn describe(description: &mut Description) {
        description.needs_state::<Desk>();
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        let text = call.arguments().map_or("{}", |raw| raw.get());
        let params = serde_json::from_str(text)
            .map_err(|error| ErrorObject::invalid_params(format!("`params`: {error}")))?;
        let gone = || ErrorObject::internal("the server keeps no tasks any more");
        let runner = call.state::<Desk>()?.0.0.upgrade().ok_or_else(gone)?;
        let in_force = call.in_force().ok_or_else(gone)?;
        Ok(Self { params, runner, caller: call.negotiated().clone(), in_force })
    }
}
