import Glibc
import Syscalls

/// What a command asks about the terminal it may stand on.
enum Terminal {
    /// Whether a person reads there (isatty(3)).
    static func isTerminal(_ descriptor: RawDescriptor) -> Bool {
        isatty(descriptor.number) == 1
    }

    /// Columns and rows of the terminal (tty_ioctl(4), `TIOCGWINSZ`); nil when it is none or does
    /// not say.
    static func size(of descriptor: RawDescriptor) -> (columns: Int, rows: Int)? {
        var size = winsize()
        guard ioctl(descriptor.number, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0,
            size.ws_row > 0
        else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// A variable of the environment (getenv(3)).
    static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
