//! What must hold (DESIGN §6), as named predicates on the world.
//! Not here: how the world gets there.
//!
//! | | checked in | predicates |
//! | --- | --- | --- |
//! | I1 one outcome each | `at_commit`, `at_end` | `check_outcome`, `ended_too_often`, `every_job_has_ended`, `every_stranger_went_home`; `purge` |
//! | I2 the CRM as after a sequential run | `at_call`, `at_end` | `is_not_applied`, `the_crm_is_as_after_a_sequential_run` |
//! | I3 letters whole | `at_commit` | `is_whole`, `check_release`, `check_dead_letter`, `check_forwarded` |
//! | I4 never over a limit, calls only with a lease | `at_call`, `meter` | `has_lease`, `meter`, `the_crm_is_believed` |
//! | I5 in order per record | `at_call` | `is_not_overtaking`, `are_not_out_twice` (records and keys) |
//! | I6 store = fold | `at_turn`, `at_commit` | `store_is_fold`, `each_success_has_its_key` |
//! | I7 nothing of an aborted transaction | `at_call` | `called_delivery`: what was aborted is no delivery in the book |
//! | I9 everything drains | `at_end` | `unfinished` |
//! | I10 no retry early | `at_call` | `is_not_early` |
//! | I13 bounds | `at_call`, `run` | `is_within_bounds`: inputs of a call, calls out; turns without end (`run`) |
//! | I14 no input stops a shard | `run` | a panic, a loop that stops for good |
//!
//! `PORT`: the engine used a port against its contract. `SIM`: the simulator caught itself in a mistake.

mod at_call;
mod at_commit;
mod at_end;
mod at_turn;
