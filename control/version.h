/* control/version.h: who we are, in --version, the API and OpenFlow's description. */
#ifndef WEFT_CONTROL_VERSION_H
#define WEFT_CONTROL_VERSION_H

#define WEFT_VERSION "0.1.0"

#endif
