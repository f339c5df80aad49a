import Drivers
import Syscalls

// The types of the lower floors that a user of this library meets, so that one import is enough.

/// The system call that tells an event loop what is ready: `.poll`, `.select`, `.epoll` or
/// `.ioUring`.
public typealias DriverKind = Drivers.DriverKind
/// Where a socket is: `try SocketAddress("127.0.0.1:7788")`, `[::1]:7788`, `unix:/run/app.sock`.
public typealias SocketAddress = Syscalls.SocketAddress
/// Why the name of a host has no address.
public typealias NameFailure = Syscalls.NameFailure
/// A socket option by its usual name: `.noDelay`, `.keepAlive`, `.receiveBuffer`.
public typealias SocketOption = Syscalls.SocketOption
/// An error number as the kernel reports it.
public typealias Errno = Syscalls.Errno
/// A file descriptor's number.
public typealias RawDescriptor = Syscalls.RawDescriptor
/// Mode and owner of the file of a Unix listener.
public typealias SocketFileAccess = Syscalls.SocketFileAccess
/// What a connection keeps of what was written to it: `.stream` or `.sequencedPackets`.
public typealias ConnectionType = Syscalls.ConnectionType
/// The process at the other end of a Unix socket.
public typealias PeerCredentials = Syscalls.PeerCredentials
/// What kind of socket carries datagrams: `.datagram`, `.ping` or `.raw`.
public typealias DatagramKind = Syscalls.DatagramKind
/// What the kernel tells of a datagram that was received.
public typealias ReceivedDatagram = Syscalls.ReceivedDatagram
