// The variable behind `clinux_turning_loop`.

_Thread_local void *clinux_loop;
