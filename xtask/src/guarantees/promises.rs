//! The promises, and the tests that prove them: the one table of both.

use super::Promise;

const CRASH: &str = "crates/engine-local/tests/crash.rs";
const SHAPE: &str = "crates/engine-local/tests/shape.rs";
const DAMAGE: &str = "crates/engine-local/tests/damage.rs";
const FULL: &str = "crates/engine-local/tests/full.rs";
const MARKS: &str = "crates/engine-local/tests/marks.rs";
const CLOCKS: &str = "crates/engine-local/tests/clocks.rs";
const ORACLE: &str = "crates/engine-local/tests/oracle.rs";
const SUITE: &str = "crates/engine-local/tests/conformance.rs";
const ENGINE: &str = "crates/engine-local/src/tests.rs";
const AGING: &str = "crates/engine-local/src/aging.rs";
const FORMATS: &str = "crates/engine-local/tests/formats.rs";
const REPAIR: &str = "crates/engine-local/tests/repair.rs";
const JOURNAL: &str = "crates/seglog/src/journal/tests.rs";
const FRAME: &str = "crates/seglog/src/journal/frame.rs";
const BATCH: &str = "crates/seglog/src/batch.rs";
const SEGMENT: &str = "crates/seglog/src/segment.rs";
const INDEX: &str = "crates/seglog/src/index.rs";
const LOCK: &str = "crates/seglog/src/disk/real.rs";
const STATE: &str = "crates/state/src/tests.rs";
const GROUPS: &str = "crates/state/src/groups/tests/model.rs";
const MEMBERS: &str = "crates/state/src/groups/tests/clients.rs";
const ROUTING: &str = "crates/model/src/routing.rs";
const KILL: &str = "crates/server/tests/kill/main.rs";
const SIM: &str = "crates/server/tests/sim/main.rs";
const ABUSE: &str = "crates/server/tests/abuse/main.rs";
const BOMBS: &str = "crates/server/tests/abuse/bombs.rs";
const LISTENER: &str = "crates/server/src/listener/tests.rs";
const ACCEPT: &str = "crates/server/src/listener/accept.rs";
const STOP: &str = "crates/server/tests/lifecycle/stop.rs";
const REFUSED: &str = "crates/server/tests/lifecycle/refused.rs";
const DAMAGED: &str = "crates/server/tests/lifecycle/damaged.rs";
const BACKUP: &str = "crates/server/tests/operate/backup.rs";
const SIGNATURES: &str = "crates/wire/tests/signatures.rs";
const HTTP_FAILURES: &str = "crates/http-api/tests/api/failures.rs";
const HTTP_LIMITS: &str = "crates/http-api/tests/api/limits.rs";
const HTTP_FORMS: &str = "crates/http-api/tests/api/forms.rs";
const HTTP_ISOLATION: &str = "crates/http-api/tests/api/isolation.rs";
const HTTP_HOSTILE: &str = "crates/http-api/tests/api/hostile.rs";
const HTTP_INPUT: &str = "crates/http-api/tests/api/bad_input.rs";
const HTTP_FORGED: &str = "crates/http-api/tests/api/replay/forged.rs";
const HTTP_VECTORS: &str = "crates/http-api/tests/api/vectors.rs";
const COMPRESS: &str = "crates/wire/src/codec/compress/tests.rs";
const CURSOR: &str = "crates/wire/src/cursor_token.rs";
const PUT: &str = "crates/wire/src/v2/records/put/tests.rs";
const SERVICE_FAILURES: &str = "crates/service/src/tests/failures.rs";
const SERVICE_STREAMS: &str = "crates/service/src/tests/streams.rs";
const SERVICE_SCALING: &str = "crates/service/src/tests/scaling.rs";
const SERVICE_KEEPING: &str = "crates/service/src/tests/housekeeping.rs";
const SERVICE_POSITIONS: &str = "crates/service/src/tests/checkpoints.rs";
const SERVICE_CURSORS: &str = "crates/service/src/tests/cursors.rs";
const SERVICE_RECORDS: &str = "crates/service/src/tests/records.rs";
const SERVICE_FLOW: &str = "crates/service/src/tests/flow.rs";

/// All of them, in their order.
pub(super) const PROMISES: &[Promise] = &[
    Promise {
        name: "G1",
        says: "Acknowledged is durable: the answer is sent after the sync.",
        proofs: &[
            (
                CRASH,
                &[
                    "a_disk_that_dies_anywhere_loses_nothing_acknowledged",
                    "a_power_cut_while_threads_are_at_work_loses_nothing_acknowledged",
                ],
            ),
            (JOURNAL, &["a_crash_keeps_a_prefix_no_shorter_than_the_acknowledged_one"]),
            (SUITE, &["i2_acknowledged_records_survive_restart"]),
            (KILL, &["nothing_acknowledged_is_lost_when_the_process_is_killed"]),
            (SIM, &["simulated_lives_lose_nothing_acknowledged_and_recover"]),
        ],
        unproved: "power cuts of block devices; those of a file system are in `cargo xtask torture`.",
    },
    Promise {
        name: "G2",
        says: "Unknown is at most once: the server stores nothing twice.",
        proofs: &[
            (
                CRASH,
                &[
                    "one_error_anywhere_loses_nothing_acknowledged",
                    "recovery_can_be_cut_off_anywhere_any_number_of_times",
                ],
            ),
            (SUITE, &["i8_a_repeated_command_is_applied_once"]),
            (KILL, &["nothing_acknowledged_is_lost_when_the_process_is_killed"]),
            (SIM, &["simulated_lives_lose_nothing_acknowledged_and_recover"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G3",
        says: "Refused is absent, for ever; what is in doubt has a code of its own.",
        proofs: &[
            (HTTP_FAILURES, &["no_failure_of_the_storage_is_the_clients_fault"]),
            (CRASH, &["one_error_anywhere_loses_nothing_acknowledged"]),
            (SHAPE, &["a_full_disk_refuses_and_goes_on_without_a_gap"]),
            (
                SERVICE_FAILURES,
                &[
                    "a_failed_batch_concerns_its_own_records",
                    "a_creation_that_surely_failed_leaves_no_log_and_one_in_doubt_keeps_it",
                ],
            ),
            (HTTP_FAILURES, &["the_storage_keeps_its_words_to_itself"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G4",
        says: "Numbers begin at 0, grow by 1, and none is given twice.",
        proofs: &[
            (
                SUITE,
                &[
                    "i1_numbers_are_dense_and_survive_restart_and_trim",
                    "i1_concurrent_appends_share_one_sequence",
                ],
            ),
            (ORACLE, &["the_engine_answers_like_the_oracle"]),
            (SHAPE, &["retention_removes_whole_segments_and_never_a_younger_record"]),
            (KILL, &["nothing_acknowledged_is_lost_when_the_process_is_killed"]),
            (SIM, &["simulated_lives_lose_nothing_acknowledged_and_recover"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G5",
        says: "Records of a request keep their order, and so do requests that follow each other.",
        proofs: &[
            (SUITE, &["i4_batches_keep_their_order"]),
            (SERVICE_RECORDS, &["answers_come_in_the_order_asked_and_numbers_in_the_order_of_the_partition"]),
            (HTTP_LIMITS, &["checklist_2_the_order_within_a_partition_is_kept"]),
            (KILL, &["nothing_acknowledged_is_lost_when_the_process_is_killed"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G6",
        says: "A key goes to one partition while the ACTIVE ones stay, whose ranges tile the key space.",
        proofs: &[
            (ROUTING, &["ranges_tile_the_key_space_and_agree_with_placement"]),
            (STATE, &["ranges_are_shared_anew_and_closed_partitions_keep_theirs"]),
            (SERVICE_SCALING, &["partitions_open_and_close_as_documented"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G7",
        says: "Readers see only what is durable.",
        proofs: &[
            (SHAPE, &["nothing_is_readable_before_its_sync", "a_failed_sync_stops_the_engine_for_good"]),
            (SUITE, &["i5_a_read_never_passes_the_high_water_mark"]),
            (CRASH, &["recovery_can_be_cut_off_anywhere_any_number_of_times"]),
            (KILL, &["nothing_acknowledged_is_lost_when_the_process_is_killed"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G8",
        says: "A read returns the stored bytes, keys, numbers and times, in order, without gap or repetition.",
        proofs: &[
            (SUITE, &["records_come_back_as_they_were_written", "i6_reads_start_exactly_where_asked"]),
            (ORACLE, &["the_engine_answers_like_the_oracle"]),
            (SERVICE_RECORDS, &["a_reader_goes_from_page_to_page_and_stays_at_the_end"]),
            (HTTP_FORMS, &["what_is_written_in_one_form_is_read_in_every_form"]),
            (SIM, &["simulated_lives_lose_nothing_acknowledged_and_recover"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G9",
        says: "What was acknowledged is visible to everybody.",
        proofs: &[
            (
                SUITE,
                &[
                    "i6_a_waiting_read_returns_with_the_next_record",
                    "the_barrier_shows_what_was_acknowledged",
                ],
            ),
            (SERVICE_STREAMS, &["a_created_stream_can_be_used_at_once"]),
            (ABUSE, &["pipelined_requests_are_answered_in_order"]),
        ],
        unproved: "several servers in front of one storage, which do not exist yet.",
    },
    Promise {
        name: "G10",
        says: "A position below the oldest record is an error, and so is data that cannot be read.",
        proofs: &[
            (SUITE, &["i6_reads_start_exactly_where_asked"]),
            (SERVICE_CURSORS, &["numbers_are_taken_within_the_readable_range"]),
            (SERVICE_RECORDS, &["what_a_cursor_meets_on_its_way"]),
            (SHAPE, &["longer_retention_does_not_bring_back_what_had_expired"]),
            (DAMAGE, &["damaged_segments_are_told_to_who_reads_them"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G11",
        says: "A checkpoint is a durable register that only clients move, within the readable range.",
        proofs: &[
            (
                SUITE,
                &[
                    "i9_conditional_commits_compare_and_set",
                    "i9_concurrent_conditional_commits_have_one_winner",
                    "i10_the_state_survives_restart",
                ],
            ),
            (STATE, &["a_version_is_never_given_twice", "the_fold_is_deterministic_and_survives_its_rows"]),
            (SERVICE_POSITIONS, &["positions_from_the_oldest_to_the_next_one_are_taken_in_any_order"]),
            (GROUPS, &["random_schedules_never_share_a_partition_twice_and_always_settle"]),
            (MEMBERS, &["late_commits_are_refused"]),
            (KILL, &["nothing_acknowledged_is_lost_when_the_process_is_killed"]),
            (SIM, &["simulated_lives_lose_nothing_acknowledged_and_recover"]),
        ],
        unproved: "long histories of a real process, which `cargo xtask torture` checks.",
    },
    Promise {
        name: "G12",
        says: "Every change is there completely or not at all, also after a crash.",
        proofs: &[
            (MARKS, &["journal_files_are_used_again_only_behind_a_mark"]),
            (ENGINE, &["a_mark_that_is_put_off_frees_no_journal_file"]),
            (
                CRASH,
                &[
                    "a_disk_that_dies_anywhere_loses_nothing_acknowledged",
                    "one_error_anywhere_loses_nothing_acknowledged",
                ],
            ),
            (STATE, &["a_list_of_commits_is_all_or_nothing"]),
            (
                SERVICE_KEEPING,
                &[
                    "a_crash_between_log_and_stream_leaves_nothing_after_the_next_start",
                    "a_crash_between_update_and_log_is_made_good_at_the_next_start",
                ],
            ),
            (SERVICE_FAILURES, &["a_client_that_hangs_up_does_not_stop_a_change_half_way"]),
            (SIM, &["simulated_lives_lose_nothing_acknowledged_and_recover"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G13",
        says: "A deletion takes effect at one instant, and nothing comes back under the same name.",
        proofs: &[
            (STATE, &["a_name_used_again_is_a_new_stream_without_checkpoints"]),
            (SERVICE_STREAMS, &["a_deleted_stream_is_gone_and_its_name_is_free_for_another"]),
            (
                SERVICE_FAILURES,
                &[
                    "a_deletion_that_failed_leaves_the_records",
                    "a_stream_is_deleted_even_when_its_records_cannot_be_dropped_yet",
                ],
            ),
            (ENGINE, &["nothing_is_appended_behind_a_drop_in_the_same_group"]),
            (
                SHAPE,
                &[
                    "a_dropped_streams_files_are_gone_after_a_mark",
                    "leftovers_are_removed_at_open_and_what_is_not_ours_is_left_alone",
                ],
            ),
            (KILL, &["nothing_acknowledged_is_lost_when_the_process_is_killed"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G14",
        says: "Scaling loses and re-orders nothing; a closed partition stays readable, a re-opened one goes on.",
        proofs: &[
            (
                SERVICE_SCALING,
                &[
                    "a_closed_partition_is_readable_and_goes_on_counting_when_opened_again",
                    "changes_at_the_same_time_each_take_effect_whole",
                ],
            ),
            (SUITE, &["a_stream_is_created_once_and_can_grow"]),
            (MEMBERS, &["a_drained_partition_is_read_to_its_end"]),
        ],
        unproved: "scaling while the process is killed, which `cargo xtask torture` does.",
    },
    Promise {
        name: "G15",
        says: "Retention removes a record only when it is older, and never early.",
        proofs: &[
            (MARKS, &["a_mark_that_is_cut_off_misses_no_segment"]),
            (
                SHAPE,
                &[
                    "retention_removes_whole_segments_and_never_a_younger_record",
                    "segments_roll_by_size_and_by_age",
                ],
            ),
            (
                SUITE,
                &[
                    "i12_records_older_than_retention_are_invisible_and_younger_ones_kept",
                    "i12_retention_can_be_changed",
                ],
            ),
            (SERVICE_KEEPING, &["a_closed_partition_expires_once_its_last_record_has_left_retention"]),
            (CRASH, &["a_disk_that_dies_anywhere_loses_nothing_acknowledged"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G16",
        says: "Every byte is checked before it is used, and its place with it.",
        proofs: &[
            (BATCH, &["every_flipped_bit_is_noticed"]),
            (FRAME, &["every_flipped_bit_is_noticed"]),
            (SEGMENT, &["a_batch_in_the_wrong_place_is_damage", "a_batch_of_another_owner_is_damage"]),
            (INDEX, &["entries_read_back_up_to_the_first_bad_one"]),
            (ENGINE, &["a_missing_or_outdated_row_of_the_view_is_damage"]),
            (SHAPE, &["a_batch_of_another_partition_is_told_as_damage"]),
            (
                DAMAGE,
                &[
                    "damaged_segments_are_told_to_who_reads_them",
                    "damaged_indexes_are_harmless",
                    "a_damaged_view_is_refused",
                ],
            ),
        ],
        unproved: "each bit of each byte of a whole directory: a random part is tried.",
    },
    Promise {
        name: "G17",
        says: "Only a torn tail is cut; any other damage is told.",
        proofs: &[
            (
                JOURNAL,
                &[
                    "damage_before_the_last_group_is_refused_and_the_last_group_is_cut",
                    "an_empty_group_protects_the_last_one",
                    "a_damaged_way_to_the_next_file_is_noticed_by_what_is_there",
                    "nothing_is_told_before_all_of_it_was_checked",
                ],
            ),
            (DAMAGE, &["a_damaged_journal_is_refused", "a_refused_directory_is_left_as_it_is"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G18",
        says: "Corruption stays in its partition and is told; what cannot be contained refuses the start.",
        proofs: &[
            (DAMAGED, &["a_lost_or_short_segment_is_told_by_its_partition_and_harms_no_other"]),
            (SHAPE, &["a_partition_that_is_known_to_be_damaged_is_refused_and_the_others_are_not"]),
            (
                DAMAGE,
                &["damage_stays_in_its_partition_which_goes_on_taking_records", "lost_files_are_noticed"],
            ),
            (ENGINE, &["a_scrub_finds_damage_that_nobody_reads"]),
            (REFUSED, &["a_damaged_directory_is_refused_with_code_3"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G19",
        says: "Loss is accepted only by an operator, who is told what is given up; readers get an error for the gap.",
        proofs: &[(
            REPAIR,
            &[
                "of_damaged_segments_only_what_cannot_be_read_is_given_up",
                "what_only_the_journal_had_is_lost_and_no_more",
                "behind_damage_in_the_journal_no_number_is_given_again",
                "a_repair_of_segments_may_die_at_any_operation",
            ],
        )],
        unproved: "",
    },
    Promise {
        name: "G20",
        says: "Whatever happens to the files of a stopped server is noticed; a scrub reads everything again.",
        proofs: &[
            (
                BACKUP,
                &["a_backup_without_a_server_is_restored", "a_running_server_makes_backups_and_goes_on"],
            ),
            (
                DAMAGE,
                &[
                    "lost_files_are_noticed",
                    "files_that_change_places_are_noticed",
                    "every_flipped_bit_of_the_format_file_is_refused",
                ],
            ),
            (ENGINE, &["a_scrub_finds_damage_that_nobody_reads"]),
        ],
        unproved: "that a pass of the scrub ends within 7 days.",
    },
    Promise {
        name: "G21",
        says: "A failed sync is final: nothing more is acknowledged, and the process ends.",
        proofs: &[
            (JOURNAL, &["after_a_failed_sync_nothing_is_taken"]),
            (SHAPE, &["a_failed_sync_stops_the_engine_for_good"]),
            (ENGINE, &["after_a_failed_mark_there_is_never_another"]),
            (CRASH, &["one_error_anywhere_loses_nothing_acknowledged"]),
        ],
        unproved: "errors of a real device; that the process ends with code 4 is in `cargo xtask torture`.",
    },
    Promise {
        name: "G22",
        says: "No failed call loses what was acknowledged, acknowledges, or ends in a panic.",
        proofs: &[
            (
                CRASH,
                &[
                    "one_error_anywhere_loses_nothing_acknowledged",
                    "a_disk_that_dies_anywhere_loses_nothing_acknowledged",
                    "a_directory_can_be_made_after_a_first_try_was_cut_off_anywhere",
                ],
            ),
            (ACCEPT, &["a_lack_of_descriptors_is_waited_for"]),
            (REPAIR, &["a_failing_system_is_not_taken_for_damage"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G23",
        says: "On a full disk reading and deleting go on, nothing is lost, and writing returns with the space.",
        proofs: &[
            (FULL, &["the_low_water_is_where_writing_stops"]),
            (
                FULL,
                &[
                    "writing_stops_before_the_reserve_and_goes_on_when_there_is_room",
                    "a_disk_that_is_full_at_any_byte_loses_nothing_acknowledged",
                    "deleting_a_stream_on_a_full_disk_makes_room",
                ],
            ),
            (SHAPE, &["a_full_disk_refuses_and_goes_on_without_a_gap"]),
            (JOURNAL, &["a_full_disk_is_not_filled_further_by_trying_again"]),
        ],
        unproved: "a lack of inodes; small real file systems are in `cargo xtask torture`.",
    },
    Promise {
        name: "G24",
        says: "A clock that jumps changes no order and no number, and removes nothing.",
        proofs: &[
            (
                CLOCKS,
                &[
                    "a_jump_while_the_engine_runs_removes_nothing",
                    "a_jump_between_two_lives_removes_nothing",
                    "numbers_and_arrivals_go_on_over_a_jump",
                    "what_is_older_than_its_retention_goes_although_the_clock_had_jumped",
                ],
            ),
            (
                AGING,
                &[
                    "a_jump_forward_stops_it_for_an_hour",
                    "many_small_jumps_are_no_way_round",
                    "a_jump_back_makes_it_wait",
                ],
            ),
            (SUITE, &["i7_arrival_times_never_go_back"]),
            (SIM, &["simulated_lives_lose_nothing_acknowledged_and_recover"]),
        ],
        unproved: "a process whose clock really jumps.",
    },
    Promise {
        name: "G25",
        says: "Memory and queues are bounded; what is too much is refused at once.",
        proofs: &[
            (ABUSE, &["more_connections_than_there_may_be_are_refused_at_once"]),
            (HTTP_FORMS, &["decompressed_bodies_need_room", "many_small_records_need_room"]),
            (HTTP_HOSTILE, &["gigabytes_in_a_small_body_take_no_more_room_than_the_limit"]),
            (
                SERVICE_FLOW,
                &[
                    "only_so_many_requests_of_a_stream_are_under_way",
                    "a_partition_takes_its_records_in_a_second",
                ],
            ),
            (SERVICE_FAILURES, &["too_much_waiting_is_said_so"]),
            (LISTENER, &["connections_above_the_cap_are_answered_503"]),
            (
                SHAPE,
                &[
                    "sixty_four_requests_at_once_share_their_syncs",
                    "a_full_journal_waits_for_a_mark_and_goes_on",
                ],
            ),
        ],
        unproved: "the memory of 10 000 connections; ten times the capacity for a minute; a day of load.",
    },
    Promise {
        name: "G26",
        says: "No client harms another: it is cut off in time, kept to its size, and reaches nothing of another project.",
        proofs: &[
            (SIGNATURES, &["a_json_body_is_never_left_unsigned", "negative_vectors_have_their_code"]),
            (
                LISTENER,
                &[
                    "a_slow_head_is_cut_off",
                    "a_slow_body_is_answered_408",
                    "an_answer_that_nobody_takes_is_cut_off",
                    "an_oversize_head_is_refused",
                ],
            ),
            (
                ABUSE,
                &[
                    "slow_clients_are_cut_off",
                    "two_lengths_smuggle_nothing",
                    "vanished_clients_leave_nothing_behind",
                ],
            ),
            (BOMBS, &["bombs_are_refused_one_after_the_other_on_one_connection"]),
            (COMPRESS, &["bombs_are_not_worth_their_while", "lengths_around_the_bound"]),
            (
                HTTP_ISOLATION,
                &["nobody_reaches_what_is_anothers", "a_rule_opens_what_it_names_and_nothing_else"],
            ),
            (HTTP_FORGED, &["a_signed_request_passes_and_no_change_of_it_does"]),
            (HTTP_VECTORS, &["what_is_forged_is_refused_with_its_code"]),
            (
                CURSOR,
                &["every_changed_character_is_noticed", "only_the_project_and_key_that_made_it_read_it"],
            ),
        ],
        unproved: "the delay of a good client beside many slow ones, as a figure.",
    },
    Promise {
        name: "G27",
        says: "Every request gets one well-formed answer; no input causes a 5xx, a panic, a hang or endless work.",
        proofs: &[
            (ABUSE, &["malformed_heads", "malformed_bodies"]),
            (HTTP_INPUT, &["no_input_is_answered_worse_than_with_4xx"]),
            (HTTP_FAILURES, &["a_panic_is_answered_and_leaves_nothing_behind"]),
            (PUT, &["any_body_is_read_without_panic"]),
            (COMPRESS, &["any_body_is_decoded_without_panic"]),
        ],
        unproved: "hours of fuzzing with coverage.",
    },
    Promise {
        name: "G28",
        says: "A start needs no repair; a stop finishes open requests, loses nothing and waits for nobody idle.",
        proofs: &[
            (
                KILL,
                &[
                    "nothing_acknowledged_is_lost_when_the_process_is_killed",
                    "a_first_start_may_die_anywhere",
                ],
            ),
            (
                STOP,
                &[
                    "a_stop_under_load_loses_nothing_and_leaves_nothing_to_recover",
                    "an_open_request_is_finished",
                ],
            ),
            (LISTENER, &["idle_connections_do_not_delay_draining", "the_deadline_cuts_a_stuck_request"]),
            (SHAPE, &["ten_thousand_partitions_cost_nothing_while_idle"]),
        ],
        unproved: "ready in 5 s with 1 000 partitions and 100 GiB.",
    },
    Promise {
        name: "G29",
        says: "A second process on a directory is refused, and changes nothing.",
        proofs: &[
            (LOCK, &["a_lock_has_one_holder"]),
            (SHAPE, &["a_directory_in_use_is_refused_and_names_who_has_it"]),
            (REFUSED, &["a_second_server_is_refused_and_changes_nothing"]),
        ],
        unproved: "",
    },
    Promise {
        name: "G30",
        says: "A newer format is refused with a message; files say what they are.",
        proofs: &[
            (SHAPE, &["a_newer_format_is_refused_and_left_alone"]),
            (DAMAGE, &["every_flipped_bit_of_the_format_file_is_refused"]),
            (SUITE, &["a_directory_without_its_format_is_refused_and_left_alone"]),
            (FORMATS, &["a_directory_of_every_format_is_read_and_goes_on"]),
        ],
        unproved: "an upgrade, as there is one format.",
    },
];
