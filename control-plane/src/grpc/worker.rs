//! One worker's reports.

use countersign_proto::node::v1::{WorkerCounts, WorkerReport, WorkerReportAck};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http;

use super::speaker::Speaker;
use super::wire::{Requests, Response, Responses, responses};
use crate::limits;
use crate::metrics::NodeFault;
use crate::nodes::{self, Counts, LATENCY_BOUNDS_MICROS, StreamId};
use crate::runtime::{App, stopping};

/// A VM's name is random text of the filter's making.
const MAX_VM_BYTES: usize = 64;
/// `number-hash`, and the filter's release.
const MAX_TEXT_BYTES: usize = 64;

/// Who reports on this stream; its drop is the stream's end.
struct Reporter {
    app: App,
    node: String,
    vm: String,
    stream: StreamId,
    /// What the ledger was told last: slot, configuration, events.
    told: Option<(u64, u64, u64)>,
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.app
            .fleet
            .worker_closed(&self.node, &self.vm, self.stream);
    }
}

/// Takes reports until either side ends the stream.
pub(super) fn serve(app: App, request: http::Request<Body>) -> http::Response<Body> {
    let speaker = Speaker::of(request.extensions(), request.uri().path());
    let reports = Requests::new(request.into_body(), limits::MAX_REPORT_BYTES);
    let (acks, answer) = responses();
    tokio::spawn(async move {
        if let Err(status) = run(app, speaker, reports, acks.clone()).await {
            // A worker that is gone needs no reason.
            let _ = acks.try_send(Err(status));
        }
    });
    answer
}

async fn run(
    app: App,
    speaker: Speaker,
    mut reports: Requests<WorkerReport>,
    acks: Responses,
) -> Result<(), Status> {
    let mut stop = app.stop.clone();
    let stream = app.fleet.new_stream();
    let mut reporter: Option<Reporter> = None;
    let ack = Response::without_resource(&WorkerReportAck {});
    let mut heard: Option<Instant> = None;
    loop {
        let report = tokio::select! {
            () = stopping(&mut stop) => {
                return Err(Status::unavailable("the control plane is stopping"));
            }
            () = acks.closed() => return Ok(()),
            report = next(&mut reports, heard, &app) => match report {
                None => return Ok(()),
                Some(report) => report.inspect_err(|status| {
                    if matches!(status.code(), tonic::Code::Internal | tonic::Code::OutOfRange) {
                        app.metrics.reports_refused.inc();
                    }
                })?,
            },
        };
        heard = Some(Instant::now());
        check(&report).inspect_err(|_| app.metrics.reports_refused.inc())?;
        if reporter.is_none() {
            speaker.names(&app, &report.node_id)?;
        }
        let who = reporter.get_or_insert_with(|| Reporter {
            app: app.clone(),
            node: report.node_id.clone(),
            vm: report.vm.clone(),
            stream,
            told: None,
        });
        if who.node != report.node_id || who.vm != report.vm {
            app.metrics.reports_refused.inc();
            return Err(Status::invalid_argument("one stream speaks for one VM"));
        }
        let (context, report_time_ms) = (report.context, report.time_ms);
        let events = report.counts.as_ref().map_or(0, |counts| counts.events);
        let report = nodes::WorkerReport {
            revision: report.revision,
            attempt: report.attempt,
            filter_version: report.filter_version,
            resource: report.resource,
            format: report.format,
            context: report.context,
            counts: report.counts.as_ref().map(counts).unwrap_or_default(),
        };
        if !app.fleet.reported(&who.node, &who.vm, stream, report) {
            app.metrics.reports_refused.inc();
            return Err(Status::resource_exhausted("the node has too many VMs"));
        }
        let slot = app.ledger.slot(report_time_ms);
        let told = (slot, context, events);
        // What the ledger has already it need not be told.
        if who.told != Some(told) && app.ledger.told(&who.node, &who.vm, context, slot, events) {
            who.told = Some(told);
        }
        // A worker that does not read its acknowledgements is alive all the same.
        let _ = acks.try_send(Ok(ack.clone()));
    }
}

/// The next report, not at once after the one before: meanwhile the stream's window fills, and the worker
/// waits.
async fn next(
    reports: &mut Requests<WorkerReport>,
    heard: Option<Instant>,
    app: &App,
) -> Option<Result<WorkerReport, Status>> {
    let report = reports.next().await;
    let due = heard.map(|heard| heard + limits::REPORTS_APART);
    if let Some(due) = due.filter(|due| *due > Instant::now()) {
        app.metrics.node_fault(NodeFault::HastyReports);
        tokio::time::sleep_until(due).await;
    }
    report
}

fn counts(told: &WorkerCounts) -> Counts {
    let mut timed_within = [0; LATENCY_BOUNDS_MICROS.len() + 1];
    for (within, told) in timed_within.iter_mut().zip(&told.timed_within) {
        *within = *told;
    }
    Counts {
        requests: told.requests,
        allow: told.allow,
        block: told.block,
        redirect: told.redirect,
        challenge: told.challenge,
        monitor: told.monitor,
        satisfied: told.satisfied,
        errors: told.errors,
        events: told.events,
        timed: told.timed,
        timed_nanos: told.timed_nanos,
        timed_within,
    }
}

fn check(report: &WorkerReport) -> Result<(), Status> {
    let bounded = report.node_id.len() <= limits::MAX_NODE_ID_BYTES
        && report.vm.len() <= MAX_VM_BYTES
        && report.resource.len() <= limits::MAX_NODE_ID_BYTES
        && report.revision.len() <= MAX_TEXT_BYTES
        && report.filter_version.len() <= MAX_TEXT_BYTES;
    // They stand in logs and on terminals.
    let texts = [
        &report.node_id,
        &report.vm,
        &report.resource,
        &report.revision,
        &report.filter_version,
    ];
    let plain = !texts.iter().any(|text| text.chars().any(char::is_control));
    if report.node_id.is_empty() || report.vm.is_empty() || !bounded || !plain {
        return Err(Status::invalid_argument(
            "a report names its node and its VM, in few words",
        ));
    }
    Ok(())
}
