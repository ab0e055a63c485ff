//! The least role for each call: the one table.

use basin_proto::MESSAGE_LIMIT;

use super::Role;

/// Each call by its path, and the least role that may make it. A test holds it against the services' own list.
const TABLE: &[(&str, Role)] = &[
    ("/basin.v1.Control/About", Role::Viewer),
    ("/basin.v1.Control/GetLiveTasks", Role::Viewer),
    ("/basin.v1.Control/GetSweep", Role::Viewer),
    ("/basin.v1.Control/GetTask", Role::Viewer),
    ("/basin.v1.Control/GetTaskLog", Role::Viewer),
    ("/basin.v1.Control/ListSweeps", Role::Viewer),
    ("/basin.v1.Control/ListTasks", Role::Viewer),
    ("/basin.v1.Control/ListWorkers", Role::Viewer),
    ("/basin.v1.Control/AdjustSweep", Role::Admin),
    ("/basin.v1.Control/CollectGarbage", Role::Admin),
    ("/basin.v1.Control/DrainWorker", Role::Admin),
    ("/basin.v1.Control/ForgetSweep", Role::Admin),
    ("/basin.v1.Control/Launch", Role::Admin),
    ("/basin.v1.Control/RepairSweep", Role::Admin),
    ("/basin.v1.Control/SteerSweep", Role::Admin),
    ("/basin.v1.Scheduler/Commit", Role::Worker),
    ("/basin.v1.Scheduler/Complete", Role::Worker),
    ("/basin.v1.Scheduler/Fail", Role::Worker),
    ("/basin.v1.Scheduler/Hello", Role::Worker),
    ("/basin.v1.Scheduler/Release", Role::Worker),
    ("/basin.v1.Scheduler/ReportExit", Role::Worker),
    ("/basin.v1.Scheduler/Sync", Role::Worker),
];

/// The least role that may make the call of this path. A call that isn't in the table is for admins alone.
pub fn least_role(path: &str) -> Role {
    TABLE.iter().find(|(call, _)| *call == path).map_or(Role::Admin, |(_, role)| *role)
}

/// The most bytes that the message of the call of this path may have.
pub fn longest_message(path: &str) -> usize {
    match path {
        // A sweep file.
        "/basin.v1.Control/Launch" => MESSAGE_LIMIT,
        // How far each task is that a worker holds.
        "/basin.v1.Scheduler/Sync" => MESSAGE_LIMIT / 2,
        _ if least_role(path) == Role::Worker => 1 << 20,
        _ => 64 << 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_every_service_is_in_the_table_and_nothing_else_is() {
        let mut table: Vec<&str> = TABLE.iter().map(|(call, _)| *call).collect();
        table.sort_unstable();
        let mut calls = basin_proto::CALLS.to_vec();
        calls.sort_unstable();
        assert_eq!(table, calls, "a new call needs a line in coordinator/src/trust/calls.rs");
    }

    #[test]
    fn looking_takes_a_viewer_training_a_worker_and_all_else_an_admin() {
        assert_eq!(least_role("/basin.v1.Control/GetSweep"), Role::Viewer);
        assert_eq!(least_role("/basin.v1.Scheduler/Sync"), Role::Worker);
        assert_eq!(least_role("/basin.v1.Control/Launch"), Role::Admin);
        assert_eq!(least_role("/basin.v1.Control/NoSuchCall"), Role::Admin);
        assert_eq!(least_role(""), Role::Admin);
    }
}
