import Glibc

/// An error number as the kernel reports it (errno(3)).
public struct Errno: Error, RawRepresentable, Hashable, Sendable {
    /// The number: `EMFILE` is 24 on Linux.
    public let rawValue: CInt

    /// Wraps an error number.
    @inlinable public init(rawValue: CInt) { self.rawValue = rawValue }

    /// The calling thread's `errno`, to be read at once after a failed call.
    @inlinable public static var current: Errno { Errno(rawValue: errno) }

    /// `EPERM`: the machine or its owner forbids it.
    public static let notPermitted = Errno(rawValue: EPERM)
    /// `ENOENT`: there is no such file.
    public static let noEntry = Errno(rawValue: ENOENT)
    /// `EINTR`: a signal cut the call short; never leaves this module.
    @inlinable public static var interrupted: Errno { Errno(rawValue: EINTR) }
    /// `EAGAIN`: there is nothing to do yet; never leaves the library.
    @inlinable public static var wouldBlock: Errno { Errno(rawValue: EAGAIN) }
    /// `EINPROGRESS`: the attempt to connect goes on.
    public static let inProgress = Errno(rawValue: EINPROGRESS)
    /// `EALREADY`: an attempt to connect is under way already.
    public static let already = Errno(rawValue: EALREADY)
    /// `EBADF`: the number names no open file.
    public static let badDescriptor = Errno(rawValue: EBADF)
    /// `EINVAL`: the kernel does not take this argument.
    public static let invalidArgument = Errno(rawValue: EINVAL)
    /// `ENOSYS`: this kernel does not have the call.
    public static let notImplemented = Errno(rawValue: ENOSYS)
    /// `ECANCELED`: the end of the request was asked for.
    package static let cancelled = Errno(rawValue: ECANCELED)
    /// `ETIMEDOUT`: the kernel has given up.
    public static let timedOut = Errno(rawValue: ETIMEDOUT)
    /// `ECONNRESET`: the peer broke the connection off.
    public static let connectionReset = Errno(rawValue: ECONNRESET)
    /// `ECONNREFUSED`: nothing listens there.
    public static let connectionRefused = Errno(rawValue: ECONNREFUSED)
    /// `EPIPE`: the writing half has ended.
    public static let brokenPipe = Errno(rawValue: EPIPE)
    /// `ENOTCONN`: the socket has no peer.
    public static let notConnected = Errno(rawValue: ENOTCONN)
    /// `EADDRNOTAVAIL`: the address is not of this machine, or no port is free.
    public static let addressNotAvailable = Errno(rawValue: EADDRNOTAVAIL)
    /// `EADDRINUSE`: another socket has the address.
    public static let addressInUse = Errno(rawValue: EADDRINUSE)
    /// `EIO`: the device cannot do it.
    public static let inputOutput = Errno(rawValue: EIO)
    /// `EMSGSIZE`: a datagram is longer than the socket can send.
    public static let messageTooLong = Errno(rawValue: EMSGSIZE)
    /// `EDESTADDRREQ`: a datagram has no receiver, and its socket no peer.
    public static let noDestination = Errno(rawValue: EDESTADDRREQ)
    /// `ENODEV`: there is no such interface.
    public static let noDevice = Errno(rawValue: ENODEV)
    /// `EACCES`: privileges are needed.
    public static let accessDenied = Errno(rawValue: EACCES)
    /// `EMFILE`: the process's descriptors are used up.
    public static let tooManyOpenFiles = Errno(rawValue: EMFILE)
    /// `ENFILE`: the machine's descriptors are used up.
    public static let tooManyOpenFilesInSystem = Errno(rawValue: ENFILE)
    /// `ENOSPC`: the device is full; of epoll(7), that it watches no more descriptors.
    public static let noSpace = Errno(rawValue: ENOSPC)
    /// `ENOBUFS`: the kernel has no room for another socket.
    public static let noBufferSpace = Errno(rawValue: ENOBUFS)
    /// `ENOMEM`: the kernel has no memory left.
    public static let outOfMemory = Errno(rawValue: ENOMEM)
}

extension Errno: CustomStringConvertible {
    /// The kernel's words: "Too many open files" (strerror_r(3)).
    public var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            // The POSIX form, which is what Glibc imports: 0 means that the text fitted.
            guard let base = buffer.baseAddress,
                strerror_r(rawValue, base, buffer.count) == 0
            else { return "Unknown error \(rawValue)" }
            return String(cString: base)
        }
    }

    /// The symbol that manual pages use: "EMFILE". Numbers that no socket call yields read "errno
    /// 42".
    public var name: String { Errno.names[rawValue] ?? "errno \(rawValue)" }

    private static let names: [CInt: String] = [
        EPERM: "EPERM", ENOENT: "ENOENT", EINTR: "EINTR", EIO: "EIO", EBADF: "EBADF",
        EAGAIN: "EAGAIN", ENOMEM: "ENOMEM", EACCES: "EACCES", EFAULT: "EFAULT",
        EINVAL: "EINVAL", ENFILE: "ENFILE", EMFILE: "EMFILE", ENOSPC: "ENOSPC",
        EPIPE: "EPIPE", ENOSYS: "ENOSYS", EPROTO: "EPROTO", EOVERFLOW: "EOVERFLOW",
        ENOTSOCK: "ENOTSOCK", EDESTADDRREQ: "EDESTADDRREQ", EMSGSIZE: "EMSGSIZE",
        EPROTOTYPE: "EPROTOTYPE", ENOPROTOOPT: "ENOPROTOOPT",
        EPROTONOSUPPORT: "EPROTONOSUPPORT", EOPNOTSUPP: "EOPNOTSUPP",
        EAFNOSUPPORT: "EAFNOSUPPORT", EADDRINUSE: "EADDRINUSE",
        EADDRNOTAVAIL: "EADDRNOTAVAIL", ENETDOWN: "ENETDOWN", ENETUNREACH: "ENETUNREACH",
        ENETRESET: "ENETRESET", ECONNABORTED: "ECONNABORTED", ECONNRESET: "ECONNRESET",
        ENOBUFS: "ENOBUFS", EISCONN: "EISCONN", ENOTCONN: "ENOTCONN",
        ESHUTDOWN: "ESHUTDOWN", ETIMEDOUT: "ETIMEDOUT", ECONNREFUSED: "ECONNREFUSED",
        EHOSTDOWN: "EHOSTDOWN", EHOSTUNREACH: "EHOSTUNREACH", EALREADY: "EALREADY",
        EINPROGRESS: "EINPROGRESS", ECANCELED: "ECANCELED", EEXIST: "EEXIST",
        ENODEV: "ENODEV",
    ]
}

/// Makes a system call, again if a signal cuts it short, and turns -1 into a thrown `Errno`.
///
/// Every call that is made again after a signal goes through here. Waits are not: a signal ends
/// them like a passed time, and the few that treat `EINTR` themselves say so.
@inlinable @inline(__always)
public func retrying<Result: FixedWidthInteger & SignedInteger>(
    _ call: () -> Result
) throws(Errno) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let error = Errno.current
        if error != .interrupted { throw error }
    }
}

extension Errno {
    /// Connections that may come to nothing in a row before a server pauses.
    package static let acceptFailuresInARow = 100

    /// Whether accept(2) means that one connection came to nothing, and the listener is well.
    package var concernsOneConnection: Bool {
        switch rawValue {
        case ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
            EOPNOTSUPP, ENETUNREACH, ETIMEDOUT:
            true
        default: false
        }
    }

    /// Whether the process or the machine has run out of something that may come back.
    package var meansExhaustion: Bool {
        switch rawValue {
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: true
        default: false
        }
    }
}
