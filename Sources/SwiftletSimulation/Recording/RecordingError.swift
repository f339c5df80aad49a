import Syscalls

/// Why a recording cannot be read from a file or written to one.
public struct RecordingError: Error, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: Error, Equatable, Sendable {
        /// The kernel refused.
        case system(Errno)
        /// The file is something else.
        case foreign
        /// The file is a recording in the format of another version of Swiftlet.
        case version(UInt64)
        /// The file ends before the recording does.
        case truncated
        /// The file is as long as it should be, but not what was written.
        case damaged
    }

    /// The file.
    public let path: String
    /// What is wrong with it.
    public let reason: Reason

    /// Says what is wrong, with which file, and what to do.
    public var description: String {
        switch reason {
        case .system(let errno):
            "recording '\(path)': \(errno)"
        case .foreign:
            "'\(path)' is no recording: name a file that Recording.write(to:) has made"
        case .version(let version):
            "recording '\(path)' has the format \(version), and this version of Swiftlet reads "
                + "format \(Tape.version): replay it with the version that made it, or record anew"
        case .truncated:
            "recording '\(path)' ends too early: it was not copied in full, so copy it again"
        case .damaged:
            "recording '\(path)' is damaged: it has changed since it was written, so copy it again"
        }
    }
}
