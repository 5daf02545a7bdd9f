package millpond.compat;

import com.huaweicloud.dis.DISConfig;
import com.huaweicloud.dis.DISConfig.BodySerializeType;
import java.util.Locale;

/** How a client writes the bodies of its requests (spec/00 §5 and §6). */
enum Form {
    JSON(BodySerializeType.json, null),
    JSON_LZ4(BodySerializeType.json, "lz4"),
    JSON_SNAPPY(BodySerializeType.json, "snappy"),
    JSON_ZSTD(BodySerializeType.json, "zstd"),
    PROTOBUF(BodySerializeType.protobuf, null),
    PROTOBUF_LZ4(BodySerializeType.protobuf, "lz4"),
    PROTOBUF_SNAPPY(BodySerializeType.protobuf, "snappy"),
    PROTOBUF_ZSTD(BodySerializeType.protobuf, "zstd");

    private final BodySerializeType encoding;
    private final String compression;

    Form(BodySerializeType encoding, String compression) {
        this.encoding = encoding;
        this.compression = compression;
    }

    /** Sets by name what only newer releases of the SDK know, so that an older one can be driven too. */
    DISConfig applyTo(DISConfig config) {
        config.setBodySerializeType(encoding);
        if (compression != null) {
            config.set(DISConfig.PROPERTY_BODY_COMPRESS_ENABLED, "true");
            config.set(DISConfig.PROPERTY_BODY_COMPRESS_TYPE, compression);
        }
        return config;
    }

    /** As the result lines write it, for example {@code protobuf+lz4}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '+');
    }
}
