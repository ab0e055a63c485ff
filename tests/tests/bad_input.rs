//! The whole output for a person who types something wrong, and that nothing is lost.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::Sandbox;

const GOOD: &str = r#"name = "small"
data = { name = "shapes", train_limit = 64, test_limit = 32 }

[[experiment]]
id = "images"
kind = "classify"
seeds = 1
model = { conv = [4], dense = [8] }
batch_size = 32
epochs = 1
optimizer = "adam"
learning_rate = 1e-3
"#;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test")).with_file("good.toml", GOOD)
}

/// The whole output of a plan of the good file with one line changed.
#[track_caller]
fn planned(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let sandbox = sandbox();
    sandbox.write("bad.toml", &GOOD.replace(from, to));
    let output = sandbox.basin(&["plan", "bad.toml"]);
    assert!(!sandbox.path().join("basin-state").exists(), "a plan changes nothing");
    output.all(&sandbox)
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
    insta::assert_snapshot!(planned("batch_size = 32", "bach_size = 32"));
}

#[test]
fn an_unknown_optimiser_is_named_with_the_nearest() {
    insta::assert_snapshot!(planned("\"adam\"", "\"adm\""));
}

#[test]
fn a_wrong_type_is_named_with_the_right_one() {
    insta::assert_snapshot!(planned("epochs = 1", "epochs = \"many\""));
}

#[test]
fn a_negative_width_is_refused() {
    insta::assert_snapshot!(planned("conv = [4]", "conv = [-4]"));
}

#[test]
fn seeds_beyond_what_a_seed_can_be_are_refused() {
    insta::assert_snapshot!(planned(
        "seeds = 1",
        "seeds = { start = 9223372036854775807, count = 9223372036854775807 }"
    ));
}

#[test]
fn toml_that_is_none_is_refused_with_its_line() {
    insta::assert_snapshot!(planned("seeds = 1", "seeds = = 1"));
}

#[test]
fn a_sweep_of_a_million_tasks_is_refused_above_a_limit_that_can_be_raised() {
    let sandbox = sandbox();
    sandbox.write("large.toml", &GOOD.replace("seeds = 1", "seeds = 1000000"));
    insta::assert_snapshot!(sandbox.basin(&["plan", "large.toml"]).all(&sandbox));
    let raised =
        sandbox.basin(&["--json", "plan", "large.toml", "--max-tasks", "1000000"]).succeeded().json();
    assert_eq!(raised["tasks"], 1_000_000);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.basin(&["run", "nowhere.toml"]).all(&sandbox));
}

#[test]
fn data_that_is_not_there_says_how_to_bring_it() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.basin(&["run", "good.toml", "--set", "data.name=cifar10"]).all(&sandbox));
}

#[test]
fn an_import_from_an_empty_folder_says_what_it_looked_for() {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.path().join("empty")).unwrap();
    insta::assert_snapshot!(sandbox.basin(&["data", "import", "cifar10", "empty"]).all(&sandbox));
    insta::assert_snapshot!(sandbox.basin(&["data", "import", "cifar", "empty"]).all(&sandbox));
}

#[test]
fn data_with_a_wrong_digest_is_refused_and_nothing_is_kept() {
    let sandbox = sandbox();
    idx_files(&sandbox, "idx");
    let output = sandbox.basin(&["--json", "data", "import", "fashion-mnist", "idx"]).succeeded().json();
    let digest = output["digest"].as_str().unwrap();
    let file = sandbox.path().join(format!("basin-state/store/datasets/fashion-mnist/{digest}/data.basin"));
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let output = sandbox.basin(&["data", "fetch", "fashion-mnist", "--to", "fetched.basin"]);
    insta::with_settings!({ filters => vec![("[0-9a-f]{64}", "DIGEST"), ("[0-9a-f]{10}", "DIGEST")] }, {
        insta::assert_snapshot!(output.all(&sandbox));
    });
    assert!(!sandbox.path().join("fetched.basin").exists());
    // A run on it fails as its input does, says so, and leaves what is right.
    let run = ["run", "good.toml", "--set", "data.name=fashion-mnist", "--workers", "1", "--out", "out"];
    let output = sandbox.basin(&run);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.err.contains("missing-data"), "{}", output.err);
}

/// A tiny data set in the IDX format.
fn idx_files(sandbox: &Sandbox, folder: &str) {
    let folder = sandbox.path().join(folder);
    std::fs::create_dir(&folder).unwrap();
    for (split, count) in [("train", 64u32), ("t10k", 32)] {
        let header = |magic: u32, sizes: &[u32]| -> Vec<u8> {
            [magic].iter().chain(sizes).flat_map(|number| number.to_be_bytes()).collect()
        };
        let mut images = header(0x0803, &[count, 28, 28]);
        images.extend((0..count * 28 * 28).map(|index| (index * 7 % 251) as u8));
        let mut labels = header(0x0801, &[count]);
        labels.extend((0..count).map(|index| (index % 10) as u8));
        std::fs::write(folder.join(format!("{split}-images-idx3-ubyte")), images).unwrap();
        std::fs::write(folder.join(format!("{split}-labels-idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    let sandbox = sandbox();
    // A file where the folder should be can't be written by anybody, root included.
    sandbox.write("occupied", "");
    insta::assert_snapshot!(sandbox.basin(&["run", "good.toml", "--store", "occupied/store"]).all(&sandbox));
}

#[test]
fn a_store_of_an_unknown_kind_is_refused() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.basin(&["run", "good.toml", "--store", "ftp://there/x"]).all(&sandbox));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let sandbox = sandbox();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = sandbox.basin(&["serve", "--listen", &address.to_string()]);
    let port = address.port().to_string();
    insta::assert_snapshot!(output.all(&sandbox).replace(&port, "PORT"));
}

#[test]
fn an_address_beyond_this_machine_is_refused() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.basin(&["serve", "--listen", "0.0.0.0:7470"]).all(&sandbox));
    let token = ["token", "create", "--role", "admin", "--name", "me", "--tokens", "tokens.toml"];
    sandbox.basin(&token).succeeded();
    let with_tokens = ["serve", "--listen", "0.0.0.0:7470", "--tokens", "tokens.toml"];
    insta::assert_snapshot!(sandbox.basin(&with_tokens).all(&sandbox));
}

#[test]
fn a_state_in_use_is_named() {
    let sandbox = sandbox();
    let (_coordinator, _) = sandbox.serve("127.0.0.1:0", &[]);
    let output = sandbox.basin(&["run", "good.toml"]);
    insta::with_settings!({ filters => vec![("process [0-9]+, for [0-9]+ s", "process PID, for N s")] }, {
        insta::assert_snapshot!(output.all(&sandbox));
    });
}

#[test]
fn a_coordinator_that_is_not_there_is_named() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.basin(&["list", "--coordinator", "http://127.0.0.1:9"]).all(&sandbox));
    insta::assert_snapshot!(sandbox.basin(&["list", "--coordinator", "nonsense here"]).all(&sandbox));
}

#[test]
fn a_sweep_that_is_not_there_is_named_with_those_that_are() {
    let sandbox = sandbox();
    sandbox.basin(&["run", "good.toml", "--out", "out"]).succeeded();
    let output = sandbox.basin(&["report", "other"]);
    insta::with_settings!({ filters => vec![("small-[0-9a-f]{10}", "small-ID")] }, {
        insta::assert_snapshot!(output.all(&sandbox));
    });
}

#[test]
fn a_network_without_pixels_is_refused_before_anything_runs_and_its_layer_is_named() {
    let sandbox = sandbox();
    let output = sandbox.basin(&["run", "good.toml", "--set", "model.conv=[4,4,4,4,4,4]", "--out", "out"]);
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(output.err.contains("--set:1: the network's `conv[5]` leaves no pixel"), "{}", output.err);
    assert!(output.err.contains("hint: fewer pools"), "{}", output.err);
}

#[test]
fn a_diverging_run_is_a_result() {
    let sandbox = sandbox();
    let how = ["--set", "optimizer=sgd", "--set", "learning_rate=1e30", "--set", "epochs=3", "--out", "out"];
    let output = sandbox.basin(&[&["run", "good.toml"], &how[..]].concat());
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(sandbox.read("out/results.csv").contains("diverged"), "{}", sandbox.read("out/results.csv"));
}

mod protocol {
    use basin_proto::v1::scheduler_client::SchedulerClient;
    use basin_proto::v1::scheduler_server::{Scheduler, SchedulerServer};
    use basin_proto::{OLDEST_PROTOCOL, PROTOCOL, v1};
    use tonic::{Code, Request, Response, Status};

    use super::*;

    #[tokio::test]
    async fn a_worker_of_another_protocol_version_is_refused_by_the_coordinator() {
        let sandbox = sandbox();
        let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
        let mut client = SchedulerClient::connect(url).await.unwrap();
        let worker = Some(v1::WorkerDescription::default());
        let hello = v1::HelloRequest {
            protocol: PROTOCOL + 1,
            worker_id: "w".into(),
            worker,
            can_ask_to_commit: true,
        };
        let refused = client.hello(hello).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(
            refused.message().contains(&format!("and the worker version {}", PROTOCOL + 1)),
            "{}",
            refused.message()
        );
        assert!(basin_proto::hint::of(&refused).unwrap().contains("coordinator first"));
    }

    #[tokio::test]
    async fn a_worker_of_the_previous_protocol_version_goes_on() {
        let sandbox = sandbox();
        let (_coordinator, url) = sandbox.serve("127.0.0.1:0", &[]);
        sandbox.basin(&["launch", "good.toml", "--coordinator", &url]).succeeded();
        let mut client = SchedulerClient::connect(url).await.unwrap();
        let worker = Some(v1::WorkerDescription::default());
        let hello = |protocol| v1::HelloRequest {
            protocol,
            worker_id: "w".into(),
            worker: worker.clone(),
            can_ask_to_commit: true,
        };
        let reply = client.hello(hello(OLDEST_PROTOCOL)).await.unwrap().into_inner();
        assert_eq!((OLDEST_PROTOCOL, reply.protocol), (PROTOCOL - 1, OLDEST_PROTOCOL));
        assert!(client.hello(hello(OLDEST_PROTOCOL - 1)).await.is_err());
        let sync = v1::SyncRequest {
            worker_id: "w".into(),
            worker,
            free_slots: 1,
            max_pack: 1,
            ..Default::default()
        };
        assert_eq!(client.sync(sync).await.unwrap().into_inner().grants.len(), 1);
    }

    /// A coordinator of another version, as its workers see it.
    struct Other;

    #[tonic::async_trait]
    impl Scheduler for Other {
        async fn hello(
            &self,
            request: Request<v1::HelloRequest>,
        ) -> Result<Response<v1::HelloReply>, Status> {
            let theirs = request.into_inner().protocol;
            Err(Status::failed_precondition(format!(
                "this coordinator speaks protocol version 9 and the worker version {theirs}; use workers of basin 9.0.0"
            )))
        }

        async fn sync(&self, _: Request<v1::SyncRequest>) -> Result<Response<v1::SyncReply>, Status> {
            Err(Status::internal("a refused worker calls no more"))
        }

        async fn complete(
            &self,
            _: Request<v1::CompleteRequest>,
        ) -> Result<Response<v1::SettleReply>, Status> {
            Err(Status::internal("a refused worker calls no more"))
        }

        async fn commit(&self, _: Request<v1::CommitRequest>) -> Result<Response<v1::CommitReply>, Status> {
            Err(Status::internal("a refused worker calls no more"))
        }

        async fn fail(&self, _: Request<v1::FailRequest>) -> Result<Response<v1::SettleReply>, Status> {
            Err(Status::internal("a refused worker calls no more"))
        }

        async fn release(&self, _: Request<v1::ReleaseRequest>) -> Result<Response<v1::SettleReply>, Status> {
            Err(Status::internal("a refused worker calls no more"))
        }

        async fn report_exit(
            &self,
            _: Request<v1::ReportExitRequest>,
        ) -> Result<Response<v1::ReportExitReply>, Status> {
            Err(Status::internal("a refused worker calls no more"))
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_worker_that_is_refused_says_why_and_leaves() {
        let sandbox = sandbox();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(SchedulerServer::new(Other))
                .serve_with_incoming(incoming),
        );
        let at = url.clone();
        let output = tokio::task::spawn_blocking(move || {
            let output = sandbox.basin(&["worker", "--coordinator", &at, "--slots", "1"]);
            output.all(&sandbox)
        });
        let output = output.await.unwrap().replace(&url, "URL");
        insta::with_settings!({ filters => vec![("worker [A-Za-z0-9-]+ for", "worker ID for")] }, {
            insta::assert_snapshot!(output);
        });
    }
}
