/*
 * What a TLS server showed of itself: its certificates, what is doubtful about them, protocol and
 * cipher.  Kept for those who ask for it (stream_options.looks), also where the handshake failed.
 */
#ifndef IO_TLS_CHAIN_H
#define IO_TLS_CHAIN_H

#include <stdbool.h>

#include "base/clock.h"

#define TLS_CHAIN_MAX 6

enum tls_doubt {
	TLS_DOUBT_EXPIRED = 1,
	TLS_DOUBT_NOT_YET = 2, /* not valid before a day to come */
	TLS_DOUBT_ISSUER = 4,  /* signed by nobody whom we trust */
	TLS_DOUBT_SELF = 8,    /* self-signed */
	TLS_DOUBT_NAME = 16,   /* for another name */
	TLS_DOUBT_OTHER = 32,
};

struct tls_chain_cert {
	char subject[128], issuer[128];
	usec_t from_us, until_us; /* on the wall clock */
};

struct tls_chain {
	unsigned count;   /* as sent, the server's own first; at most TLS_CHAIN_MAX are kept */
	unsigned weakest; /* whose end comes first, of those that the trust rests on */
	struct tls_chain_cert certs[TLS_CHAIN_MAX];
	char names[256];                       /* that the first one is for */
	char version[16], cipher[64], key[32]; /* "TLSv1.3", "TLS_AES_256_GCM_SHA384", "RSA 2048" */
	bool asks_cert;                        /* it asked for a client certificate */
	unsigned doubts; /* enum tls_doubt; 0 also when nothing was verified */
	char why[512];   /* the doubts in words */
};

#endif
