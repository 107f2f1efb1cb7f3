// A ROS 2 node's half of the wire on eProsima Fast DDS: hears joint states and pictures, answers each as a trajectory,
// and shows a picture of its own. Usage: fastdds_peer DOMAIN
#include <fastcdr/Cdr.h>
#include <fastcdr/FastBuffer.h>
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/TopicDataType.hpp>
#include <fastdds/dds/topic/TypeSupport.hpp>

#include <chrono>
#include <cstring>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

using namespace eprosima::fastdds::dds;
using eprosima::fastcdr::Cdr;
using eprosima::fastcdr::FastBuffer;
using Bytes = std::vector<char>;

struct Raw : TopicDataType {
    explicit Raw(const std::string& name) { setName(name.c_str()); m_typeSize = 1 << 20; m_isGetKeyDefined = false; }
    bool serialize(void* data, eprosima::fastrtps::rtps::SerializedPayload_t* payload) override {
        auto& bytes = *static_cast<Bytes*>(data);
        std::memcpy(payload->data, bytes.data(), bytes.size());
        payload->length = static_cast<uint32_t>(bytes.size());
        payload->encapsulation = CDR_LE;
        return true;
    }
    bool deserialize(eprosima::fastrtps::rtps::SerializedPayload_t* payload, void* data) override {
        auto begin = reinterpret_cast<char*>(payload->data);
        static_cast<Bytes*>(data)->assign(begin, begin + payload->length);
        return true;
    }
    std::function<uint32_t()> getSerializedSizeProvider(void* data) override {
        return [data] { return static_cast<uint32_t>(static_cast<Bytes*>(data)->size()); };
    }
    void* createData() override { return new Bytes(); }
    void deleteData(void* data) override { delete static_cast<Bytes*>(data); }
    bool getKey(void*, eprosima::fastrtps::rtps::InstanceHandle_t*, bool) override { return false; }
};

struct Header { int32_t sec = 0; uint32_t nanosec = 0; std::string frame; };
Cdr& operator>>(Cdr& cdr, Header& h) { return cdr >> h.sec >> h.nanosec >> h.frame; }
Cdr& operator<<(Cdr& cdr, const Header& h) { return cdr << h.sec << h.nanosec << h.frame; }

template <typename Write> Bytes encoded(Write write) {
    FastBuffer buffer;
    Cdr cdr(buffer, Cdr::LITTLE_ENDIANNESS, Cdr::DDS_CDR);
    cdr.serialize_encapsulation();
    write(cdr);
    return Bytes(buffer.getBuffer(), buffer.getBuffer() + cdr.getSerializedDataLength());
}

Bytes trajectory(const Header& header, const std::vector<std::string>& names, const std::vector<double>& values) {
    return encoded([&](Cdr& cdr) {
        const std::vector<double> none;
        cdr << header << names << uint32_t(1) << values << none << none << none << int32_t(1) << uint32_t(250000000);
    });
}

int main(int, char** argv) {
    auto participant = DomainParticipantFactory::get_instance()->create_participant(std::stoi(argv[1]), PARTICIPANT_QOS_DEFAULT);
    auto topic = [&](const char* name, const char* type) {
        TypeSupport(new Raw(type)).register_type(participant);
        return participant->create_topic(name, type, TOPIC_QOS_DEFAULT);
    };
    const char* image = "sensor_msgs::msg::dds_::Image_";
    auto states = topic("rt/joint_states", "sensor_msgs::msg::dds_::JointState_");
    auto commands = topic("rt/command", "trajectory_msgs::msg::dds_::JointTrajectory_");
    auto seen = participant->create_topic("rt/seen", (TypeSupport(new Raw(image)).register_type(participant), image), TOPIC_QOS_DEFAULT);
    auto shown = participant->create_topic("rt/shown", image, TOPIC_QOS_DEFAULT);
    auto subscriber = participant->create_subscriber(SUBSCRIBER_QOS_DEFAULT);
    auto publisher = participant->create_publisher(PUBLISHER_QOS_DEFAULT);
    const auto grows = eprosima::fastrtps::rtps::DYNAMIC_RESERVE_MEMORY_MODE;
    DataReaderQos listen = DATAREADER_QOS_DEFAULT;
    listen.reliability().kind = RELIABLE_RELIABILITY_QOS;
    listen.history().depth = 10;
    listen.endpoint().history_memory_policy = grows;
    DataReaderQos look = listen;
    look.reliability().kind = BEST_EFFORT_RELIABILITY_QOS;
    DataWriterQos say = DATAWRITER_QOS_DEFAULT;
    say.durability().kind = VOLATILE_DURABILITY_QOS;
    say.history().depth = 10;
    say.endpoint().history_memory_policy = grows;
    DataWriterQos show = say;
    show.reliability().kind = BEST_EFFORT_RELIABILITY_QOS;
    auto joints = subscriber->create_datareader(states, listen);
    auto pictures = subscriber->create_datareader(seen, look);
    auto answers = publisher->create_datawriter(commands, say);
    auto camera = publisher->create_datawriter(shown, show);

    Bytes bytes;
    SampleInfo info;
    for (int tick = 0; tick < 12000; ++tick) {
        while (joints->take_next_sample(&bytes, &info) == ReturnCode_t::RETCODE_OK) {
            if (!info.valid_data) continue;
            FastBuffer buffer(bytes.data(), bytes.size());
            Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN, Cdr::DDS_CDR);
            cdr.read_encapsulation();
            Header header;
            std::vector<std::string> names;
            std::vector<double> position, velocity, effort;
            cdr >> header >> names >> position >> velocity >> effort;
            if (names == std::vector<std::string>{"quit"}) return 0;
            position.insert(position.end(), velocity.begin(), velocity.end());
            Bytes answer = trajectory(header, names, position);
            answers->write(&answer);
        }
        while (pictures->take_next_sample(&bytes, &info) == ReturnCode_t::RETCODE_OK) {
            if (!info.valid_data) continue;
            FastBuffer buffer(bytes.data(), bytes.size());
            Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN, Cdr::DDS_CDR);
            cdr.read_encapsulation();
            Header header;
            uint32_t height, width, step;
            std::string encoding;
            uint8_t big;
            std::vector<uint8_t> data;
            cdr >> header >> height >> width >> encoding >> big >> step >> data;
            double sum = std::accumulate(data.begin(), data.end(), 0.0);
            Bytes answer = trajectory(header, {"picture", encoding}, {double(height), double(width), double(step), sum});
            answers->write(&answer);
        }
        if (tick % 20 == 0) {
            Bytes picture = encoded([](Cdr& cdr) {
                std::vector<uint8_t> data(120 * 160 * 3);
                for (size_t index = 0; index < data.size(); ++index) data[index] = uint8_t(index % 251);
                cdr << Header{7, 500000000, "camera"} << uint32_t(120) << uint32_t(160) << std::string("bgr8") << uint8_t(0)
                    << uint32_t(480) << data;
            });
            camera->write(&picture);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return 1;
}
