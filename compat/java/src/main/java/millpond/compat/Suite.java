package millpond.compat;

/** A group of checks that share a stream or an app and remove it in the end. */
interface Suite {
    /** Runs every check of the group; a check that fails is reported and does not stop the others. */
    void run(Report report);
}
