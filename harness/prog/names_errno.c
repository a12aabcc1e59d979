#include "harness/prog/names.h"

#include "harness/prog/name_table.h"
#include "harness/prog/op.h"

#define ERR(name) [name] = NAME(#name, name)

_Static_assert(OUTCOME_SIGBUS > PROG_MAX_ERRNO && OUTCOME_SIGSEGV > PROG_MAX_ERRNO,
	       "an outcome is an errno or a signal, never both");

static const struct name errno_names[PROG_MAX_ERRNO + 1] = {
	ERR(EPERM),
	ERR(ENOENT),
	ERR(ESRCH),
	ERR(EINTR),
	ERR(EIO),
	ERR(ENXIO),
	ERR(E2BIG),
	ERR(ENOEXEC),
	ERR(EBADF),
	ERR(ECHILD),
	ERR(EAGAIN),
	ERR(ENOMEM),
	ERR(EACCES),
	ERR(EFAULT),
	ERR(ENOTBLK),
	ERR(EBUSY),
	ERR(EEXIST),
	ERR(EXDEV),
	ERR(ENODEV),
	ERR(ENOTDIR),
	ERR(EISDIR),
	ERR(EINVAL),
	ERR(ENFILE),
	ERR(EMFILE),
	ERR(ENOTTY),
	ERR(ETXTBSY),
	ERR(EFBIG),
	ERR(ENOSPC),
	ERR(ESPIPE),
	ERR(EROFS),
	ERR(EMLINK),
	ERR(EPIPE),
	ERR(EDOM),
	ERR(ERANGE),
	ERR(EDEADLK),
	ERR(ENAMETOOLONG),
	ERR(ENOLCK),
	ERR(ENOSYS),
	ERR(ENOTEMPTY),
	ERR(ELOOP),
	ERR(ENOMSG),
	ERR(EIDRM),
	ERR(ECHRNG),
	ERR(EL2NSYNC),
	ERR(EL3HLT),
	ERR(EL3RST),
	ERR(ELNRNG),
	ERR(EUNATCH),
	ERR(ENOCSI),
	ERR(EL2HLT),
	ERR(EBADE),
	ERR(EBADR),
	ERR(EXFULL),
	ERR(ENOANO),
	ERR(EBADRQC),
	ERR(EBADSLT),
	ERR(EBFONT),
	ERR(ENOSTR),
	ERR(ENODATA),
	ERR(ETIME),
	ERR(ENOSR),
	ERR(ENONET),
	ERR(ENOPKG),
	ERR(EREMOTE),
	ERR(ENOLINK),
	ERR(EADV),
	ERR(ESRMNT),
	ERR(ECOMM),
	ERR(EPROTO),
	ERR(EMULTIHOP),
	ERR(EDOTDOT),
	ERR(EBADMSG),
	ERR(EOVERFLOW),
	ERR(ENOTUNIQ),
	ERR(EBADFD),
	ERR(EREMCHG),
	ERR(ELIBACC),
	ERR(ELIBBAD),
	ERR(ELIBSCN),
	ERR(ELIBMAX),
	ERR(ELIBEXEC),
	ERR(EILSEQ),
	ERR(ERESTART),
	ERR(ESTRPIPE),
	ERR(EUSERS),
	ERR(ENOTSOCK),
	ERR(EDESTADDRREQ),
	ERR(EMSGSIZE),
	ERR(EPROTOTYPE),
	ERR(ENOPROTOOPT),
	ERR(EPROTONOSUPPORT),
	ERR(ESOCKTNOSUPPORT),
	ERR(EOPNOTSUPP),
	ERR(EPFNOSUPPORT),
	ERR(EAFNOSUPPORT),
	ERR(EADDRINUSE),
	ERR(EADDRNOTAVAIL),
	ERR(ENETDOWN),
	ERR(ENETUNREACH),
	ERR(ENETRESET),
	ERR(ECONNABORTED),
	ERR(ECONNRESET),
	ERR(ENOBUFS),
	ERR(EISCONN),
	ERR(ENOTCONN),
	ERR(ESHUTDOWN),
	ERR(ETOOMANYREFS),
	ERR(ETIMEDOUT),
	ERR(ECONNREFUSED),
	ERR(EHOSTDOWN),
	ERR(EHOSTUNREACH),
	ERR(EALREADY),
	ERR(EINPROGRESS),
	ERR(ESTALE),
	ERR(EUCLEAN),
	ERR(ENOTNAM),
	ERR(ENAVAIL),
	ERR(EISNAM),
	ERR(EREMOTEIO),
	ERR(EDQUOT),
	ERR(ENOMEDIUM),
	ERR(EMEDIUMTYPE),
	ERR(ECANCELED),
	ERR(ENOKEY),
	ERR(EKEYEXPIRED),
	ERR(EKEYREVOKED),
	ERR(EKEYREJECTED),
	ERR(EOWNERDEAD),
	ERR(ENOTRECOVERABLE),
	ERR(ERFKILL),
	ERR(EHWPOISON),
};

/* Second words for the same number: read, never printed. */
static const struct name errno_aliases[] = {
	NAME("EWOULDBLOCK", EWOULDBLOCK),
	NAME("EDEADLOCK", EDEADLOCK),
	NAME("ENOTSUP", ENOTSUP),
};

static const struct name access_outcomes[] = {
	NAME("SIGBUS", OUTCOME_SIGBUS),
	NAME("SIGSEGV", OUTCOME_SIGSEGV),
};

const char *errno_name(int err)
{
	return err > 0 && err <= PROG_MAX_ERRNO ? errno_names[err].text : NULL;
}

int errno_by_name(const char *text, size_t len)
{
	const struct name *n;

	if (len == 0)
		return -ENOENT;
	n = name_find(errno_names, NAMES_IN(errno_names), text, len);
	if (!n)
		n = name_find(errno_aliases, NAMES_IN(errno_aliases), text, len);
	return n ? n->value : -ENOENT;
}

const char *ending_name(int outcome)
{
	const char *word = name_of(access_outcomes, NAMES_IN(access_outcomes), outcome);

	return word ? word : errno_name(outcome);
}

int ending_by_name(const char *text, size_t len)
{
	const struct name *n = name_find(access_outcomes, NAMES_IN(access_outcomes), text, len);

	return n ? n->value : errno_by_name(text, len);
}
