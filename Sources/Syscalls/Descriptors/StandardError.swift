import Glibc

/// Standard error, for what a program says beside its work: a line is lost rather than waited for.
///
/// A pipe that is not read takes 64 KiB, and then a write stops its thread for good, signals and
/// deadlines included. So nothing is written where there is no room; what was lost is counted, and
/// said when there is room again.
package enum StandardError {
    /// Lines that were lost since the last one that was written.
    private static let lost = Guarded(0)

    /// Says a line if there is room for it within the time that it may wait: by default now.
    package static func say(_ line: String, patience: Duration = .zero) {
        write(line + "\n", patience: patience)
    }

    /// Writes a text if there is room for it within the time that it may wait: by default now.
    package static func write(_ text: String, patience: Duration = .zero) {
        let deadline = Instant.now.advanced(by: patience)
        lost.withLock { lost in
            if lost > 0, put("(standard error was full; lines lost: \(lost))\n", by: deadline) {
                lost = 0
            }
            if lost > 0 || !put(text, by: deadline) { lost += 1 }
        }
    }

    /// Writes all of a text, and says whether there was room for it.
    private static func put(_ text: String, by deadline: Instant) -> Bool {
        var rest = Array(text.utf8)[...]
        do throws(Errno) {
            try File.write(&rest, to: descriptor, by: deadline)
            return rest.isEmpty
        } catch {
            // It is not read any more, or is on a full disk: what is said aside is lost.
            return true
        }
    }

    /// Descriptor 2, or what it stands for opened once more, so as not to block. A regular file,
    /// which never blocks, has its position in what others share.
    private static let descriptor = File.standardError.openedAnew(O_WRONLY) ?? File.standardError
}

/// Opens those of the descriptors 0, 1 and 2 that are closed, on the null device (null(4)).
///
/// What is opened later would get their numbers, and what a program says to its user would go to a
/// client or into a counter. To be called before anything else.
package func openStandardDescriptors() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where !RawDescriptor(number).isOpen {
        // A call takes the lowest free number, which is this one.
        let flags = number == STDIN_FILENO ? O_RDONLY : O_WRONLY
        // Where there is no null device, a directory takes nothing either.
        if open("/dev/null", flags) < 0 { _ = open("/", O_RDONLY | O_DIRECTORY) }
    }
}
