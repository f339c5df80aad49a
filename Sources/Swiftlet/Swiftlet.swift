import Drivers
import Syscalls

// The types of the lower floors that a user of this library meets, so that one import is enough.

/// The system call that tells an event loop what is ready: `.poll`, `.select`, `.epoll` or
/// `.ioUring`.
public typealias DriverKind = Drivers.DriverKind
/// An IPv4 or IPv6 address and a port: `try SocketAddress("127.0.0.1:7788")`.
public typealias SocketAddress = Syscalls.SocketAddress
/// A socket option by its usual name: `.noDelay`, `.keepAlive`, `.receiveBuffer`.
public typealias SocketOption = Syscalls.SocketOption
/// An error number as the kernel reports it.
public typealias Errno = Syscalls.Errno
/// A file descriptor's number.
public typealias RawDescriptor = Syscalls.RawDescriptor
