#ifndef HUBKEY_H
#define HUBKEY_H
int hubkey_load(const char *datadir, unsigned char seed[32]);
#endif
