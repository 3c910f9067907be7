use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_proto::node::v1::node_service_server::{NodeService, NodeServiceServer};
use countersign_proto::node::v1::{
    ControlMessage, ModulePiece, RelayAck, RelayBatch, SidecarMessage, WorkerReport,
    WorkerReportAck,
};
use envoy_types::pb::envoy::config::core::v3::RemoteDataSource;
use envoy_types::pb::envoy::extensions::wasm::v3::PluginConfig;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

use super::super::upstream;
use super::*;
use crate::tls::ClientFiles;

const MODULE: &[u8] = b"\0asm and the rest";

/// A control plane that has one module, whatever it is asked for.
#[derive(Clone, Default)]
struct Plane {
    asked: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl NodeService for Plane {
    type ReportWorkerStream = ReceiverStream<Result<WorkerReportAck, Status>>;
    type ConnectSidecarStream = ReceiverStream<Result<ControlMessage, Status>>;
    type RelayEventsStream = ReceiverStream<Result<RelayAck, Status>>;
    type FetchModuleStream = tokio_stream::Iter<std::vec::IntoIter<Result<ModulePiece, Status>>>;

    async fn report_worker(
        &self,
        _: Request<Streaming<WorkerReport>>,
    ) -> Result<Response<Self::ReportWorkerStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn connect_sidecar(
        &self,
        _: Request<Streaming<SidecarMessage>>,
    ) -> Result<Response<Self::ConnectSidecarStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn relay_events(
        &self,
        _: Request<Streaming<RelayBatch>>,
    ) -> Result<Response<Self::RelayEventsStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn fetch_module(
        &self,
        _: Request<FetchModuleRequest>,
    ) -> Result<Response<Self::FetchModuleStream>, Status> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let pieces: Vec<_> = MODULE
            .chunks(5)
            .map(|piece| {
                Ok(ModulePiece {
                    bytes: piece.to_vec(),
                })
            })
            .collect();
        Ok(Response::new(tokio_stream::iter(pieces)))
    }
}

impl Plane {
    async fn modules(&self, dir: &TempDir) -> Modules {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(NodeServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        let upstream = upstream::connect(&address, None, ClientFiles::default()).unwrap();
        Modules::open(dir.path().to_owned(), upstream).unwrap()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Nobody listens there.
async fn alone(dir: &TempDir) -> Modules {
    let upstream = upstream::connect("http://127.0.0.1:1", None, ClientFiles::default()).unwrap();
    Modules::open(dir.path().to_owned(), upstream).unwrap()
}

fn resource(specifier: async_data_source::Specifier) -> Resource {
    let vm = VmConfig {
        vm_id: "countersign".into(),
        code: Some(AsyncDataSource {
            specifier: Some(specifier),
        }),
        nack_on_code_cache_miss: true,
        ..VmConfig::default()
    };
    let wasm = Wasm {
        config: Some(PluginConfig {
            name: "countersign".into(),
            vm: Some(plugin_config::Vm::VmConfig(vm)),
            ..PluginConfig::default()
        }),
    };
    let extension = TypedExtensionConfig {
        name: "countersign".into(),
        typed_config: Some(any(&wasm)),
    };
    Resource::new("countersign".into(), "1-a.1".into(), any(&extension))
}

fn remote(sha256: &str) -> Resource {
    resource(async_data_source::Specifier::Remote(RemoteDataSource {
        sha256: sha256.to_owned(),
        ..RemoteDataSource::default()
    }))
}

fn file_of(resource: &Resource) -> PathBuf {
    let (_, mut wasm) = opened(resource.body()).unwrap();
    let vm = vm(&mut wasm).unwrap();
    assert_eq!(
        (vm.vm_id.as_str(), vm.nack_on_code_cache_miss),
        ("countersign", false)
    );
    match vm.code.clone().unwrap().specifier.unwrap() {
        async_data_source::Specifier::Local(DataSource {
            specifier: Some(data_source::Specifier::Filename(file)),
            ..
        }) => file.into(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_module_is_fetched_once_and_then_a_file_of_this_node() {
    let dir = tempfile::tempdir().unwrap();
    let plane = Plane::default();
    let modules = plane.modules(&dir).await;
    let named = remote(&hexadecimal_digest(MODULE));
    for _ in 0..2 {
        let here = modules.localised(named.clone()).await.unwrap();
        assert_eq!(here.version, named.version);
        assert_eq!(std::fs::read(file_of(&here)).unwrap(), MODULE);
    }
    assert_eq!(plane.asked(), 1);
    // And without anybody else, after a restart.
    let here = alone(&dir).await.localised(named).await.unwrap();
    assert_eq!(std::fs::read(file_of(&here)).unwrap(), MODULE);
}

#[tokio::test]
async fn bytes_with_another_digest_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let modules = Plane::default().modules(&dir).await;
    let error = modules
        .localised(remote(&"0".repeat(64)))
        .await
        .unwrap_err();
    assert!(matches!(error, ModuleError::OtherBytes(_)), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_damaged_module_is_fetched_again() {
    let dir = tempfile::tempdir().unwrap();
    let plane = Plane::default();
    let modules = plane.modules(&dir).await;
    let named = remote(&hexadecimal_digest(MODULE));
    let file = file_of(&modules.localised(named.clone()).await.unwrap());
    std::fs::write(&file, b"half").unwrap();
    modules.localised(named).await.unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), MODULE);
    assert_eq!(plane.asked(), 2);
}

#[tokio::test]
async fn a_name_that_is_no_digest_reaches_neither_disk_nor_network() {
    let dir = tempfile::tempdir().unwrap();
    let plane = Plane::default();
    let modules = plane.modules(&dir).await;
    for name in ["", "../../etc/passwd", &"g".repeat(64), &"0".repeat(63)] {
        let error = modules.localised(remote(name)).await.unwrap_err();
        assert!(matches!(error, ModuleError::BadName(_)), "{error}");
    }
    assert_eq!(plane.asked(), 0);
}

#[tokio::test]
async fn what_names_its_module_by_a_file_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = data_source::Specifier::Filename("/lib/countersign.wasm".into());
    let local = resource(async_data_source::Specifier::Local(DataSource {
        specifier: Some(file),
        ..DataSource::default()
    }));
    let other = Resource::new("x".into(), "1".into(), Any::default());
    for resource in [local, other] {
        let same = alone(&dir).await.localised(resource.clone()).await.unwrap();
        assert_eq!(same, resource);
    }
}

#[test]
fn modules_past_the_bound_go_the_longest_unused_first() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..=limits::MAX_MODULES as u64 {
        let path = dir.path().join(format!("{n}.wasm"));
        let file = std::fs::File::create(path).unwrap();
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(n);
        file.set_modified(used).unwrap();
    }
    tidy(dir.path()).unwrap();
    assert!(!dir.path().join("0.wasm").exists());
    assert!(dir.path().join("1.wasm").exists());
}
