//! The filter's module for relays, by the digest of its bytes.

use countersign_proto::node::v1::ModulePiece;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::runtime::App;

/// Far below what a gRPC message may be.
const PIECE_BYTES: usize = 256 * 1024;

/// The module that this control plane carries, if it is the one.
pub(super) fn serve(
    app: &App,
    sha256: &str,
) -> Result<ReceiverStream<Result<ModulePiece, Status>>, Status> {
    let module = app.module.as_ref();
    let module = module.filter(|module| module.sha256.eq_ignore_ascii_case(sha256));
    let module = module.ok_or_else(|| Status::not_found("no module has this SHA-256 here"))?;
    let bytes = module.bytes.clone();
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for piece in bytes.chunks(PIECE_BYTES) {
            let bytes = piece.to_vec();
            if sender.send(Ok(ModulePiece { bytes })).await.is_err() {
                return;
            }
        }
    });
    Ok(ReceiverStream::new(receiver))
}
