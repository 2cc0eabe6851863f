/* What Python calls. All functions may be called from any thread, by one at a time; none but cf_load, cf_read, cf_synchronize and
 * cf_close waits for the device. Where nothing else is said, 0 is success and -2 an error, whose text cf_error gives. */
#ifndef CHUNKFLOW_ATTACHED_H
#define CHUNKFLOW_ATTACHED_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct cf_attached cf_attached;

/* waited_ns: nanoseconds that points of the model waited for another thread to have enqueued. */
typedef struct {
  uint64_t begins, restarts, late_windows, unplanned, exchanged, chunks, bytes, waited_ns;
} cf_counts_t;

/* Text of the calling thread's last error; "" before the first. */
const char* cf_error(void);
/* What the library is for, as JSON; see docs/pytorch.md. */
const char* cf_facts(void);
/* Slots and resident fronts on the device, and the pinned host copy. pinned_limit in bytes, 0 for none. NULL on error. */
cf_attached* cf_open(int device, uint64_t pinned_limit);
/* The same with one host copy for several processes of a host whose weights are the same: the memory of `descriptor`, hostBytes of
 * cf_facts long, which may be closed afterwards. Where `fills` is 0, another process writes what is streamed: cf_load then writes the
 * resident front alone. While it is written nobody may have copies in flight, and everybody calls cf_invalidate. */
cf_attached* cf_open_shared(int device, uint64_t pinned_limit, int descriptor, int fills);
void cf_close(cf_attached* attached);
/* A block's weights as one piece when it is in that slot (-1: wholly resident); NULL where it never is. */
void* cf_device(cf_attached* attached, int block, int slot);
/* Bytes [from, from + bytes) of a block from or to host memory. */
/* From plain host memory, or from the device's, whose contents are there already. */
int cf_load(cf_attached* attached, int block, const void* source, int on_device, uint64_t from, uint64_t bytes);
int cf_read(cf_attached* attached, int block, void* host, uint64_t from, uint64_t bytes);
/* Points that the model passes; `stream` is the cudaStream_t that its kernels go to. cf_begin returns the block's slot, or -1 where
 * all of it is resident; collectives are numbered within their block. Of a planned collective, a point where the plan enqueues
 * nothing (`enqueues` of cf_facts) may be left out. */
int cf_begin(cf_attached* attached, int block, void* stream);
int cf_collective_begins(cf_attached* attached, int index, void* stream);
int cf_collective_ends(cf_attached* attached, int index, void* stream);
int cf_end(cf_attached* attached, int block, void* stream);
/* For a plan of transport staged-copy: joins the ranks of this host, by calls on a group that they have; each returns 0 or, when it
 * has failed, another number. Collective. Then cf_exchange takes the place of an all-to-all or all-gather of the model within a block,
 * begin and end included; what a rank keeps to itself is not moved. */
int cf_join(cf_attached* attached, int rank, int ranks, int (*barrier)(void* context),
            int (*broadcast)(void* context, void* bytes, uint64_t count), void* context);
int cf_exchange(cf_attached* attached, int index, const void* send, void* recv, uint64_t bytes_per_peer, void* stream);
/* What lies in slots is not used any more, and copied anew. */
int cf_invalidate(cf_attached* attached);
int cf_synchronize(cf_attached* attached);
int cf_counts(cf_attached* attached, cf_counts_t* counts);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
